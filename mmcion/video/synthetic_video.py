"""A drawn street with walking people whose identities are known.

It stands in for real footage where none can be had or shown: in tests, in
pictures of the documentation, and in a demo without network.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmcion.utils.io import atomic_file

from .synthetic_figure import Look, draw_figure, draw_looks
from .synthetic_street import Occluder, draw_occluders, draw_street

TruthLine = tuple[int, int, int, int, int, int]  # frame, id, x, y, w, h

_FIELDS = ('frame', 'id', 'x', 'y', 'w', 'h')
_FIGURE = 0.46  # height of a figure by y of its feet: perspective
_POSES = 12  # drawn poses of one stride
_STRIDE = 0.75  # length of a stride (two steps) by height of the figure
_VISIT = 130  # frames of the video for each visit of a person
_MIN_VISIBLE = 0.3  # less of a figure in sight is not in the truth
_NOISE = 3.0  # standard deviation, of 255


@dataclass
class Visit:
    """One walk of a person through the picture.

    Attributes:
        pid: who walks.
        start: first frame, may lie before the video.
        end: last frame, may lie behind the video.
        foot: y of the feet in pixels.
        speed: pixels per frame.
        direction: 1 to the right, -1 to the left.
    """

    pid: int
    start: float
    end: float
    foot: float
    speed: float
    direction: int

    @property
    def height(self) -> float:
        """Height of the figure in pixels."""
        return _FIGURE * self.foot


def plan_visits(
    num_persons: int,
    num_frames: int,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> list[Visit]:
    """Let everyone cross the street several times, never twice at once."""
    width, height = size
    count = max(1, num_frames // _VISIT)
    slot = num_frames / count
    visits = []
    for pid in range(num_persons):
        free = -np.inf
        for k in range(count):
            foot = rng.uniform(0.62, 0.95) * height
            speed = rng.uniform(0.064, 0.085) * _FIGURE * foot
            length = width / speed + 12
            wish = rng.uniform(-0.6 * length, slot - 0.5 * length)
            start = max(k * slot + wish, free)
            end = start + length
            free = end + 8
            direction = int(rng.choice((-1, 1)))
            visits.append(Visit(pid, start, end, foot, speed, direction))
    return visits


class Scene:
    """Draws the people of a frame into the street, far ones first."""

    def __init__(
        self, size: tuple[int, int], looks: Sequence[Look], seed: int
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.street = draw_street(size, self.rng)
        self.occluders = draw_occluders(size)
        self.looks = looks
        self.poses: dict[tuple[int, int], np.ndarray] = {}
        height, width = self.street.shape[:2]
        noise = self.rng.normal(0, _NOISE, (height + 64, width + 64, 3))
        self.noise = noise.astype(np.int16)

    def render(
        self, frame: int, visits: Sequence[Visit]
    ) -> tuple[np.ndarray, list[TruthLine]]:
        """Return the picture ``(H, W, 3)`` and the truth of people in sight.

        Args:
            frame: from 0; the truth counts from 1.
            visits: all of the video.
        """
        picture = self.street.copy()
        owner = np.full(picture.shape[:2], -1, np.int16)
        here = [v for v in visits if v.start <= frame <= v.end]
        lines = []
        layers: list[Occluder | Visit] = [*self.occluders, *here]
        for layer in sorted(layers, key=lambda layer: layer.foot):
            if isinstance(layer, Occluder):
                _paint(picture, layer.picture, layer.left, layer.top, owner)
                continue
            figure, left, top = self._figure(frame, layer)
            _cast_shadow(picture, left + figure.shape[1] // 2, layer)
            _paint(picture, figure, left, top, owner, layer.pid)
            lines.append((layer.pid, left, top, figure))
        truth = [
            (frame + 1, pid, *_clip(owner, left, top, figure))
            for pid, left, top, figure in lines
            if _is_visible(owner, pid, figure)
        ]
        return self._expose(picture, frame), truth

    def _figure(self, frame: int, visit: Visit) -> tuple[np.ndarray, int, int]:
        """Return the figure of a visit and its left and top pixel."""
        walked = (frame - visit.start) * visit.speed
        stride = walked / (_STRIDE * visit.height) + visit.pid / 7
        pose = (visit.pid, int(stride * _POSES) % _POSES)
        if pose not in self.poses:
            phase = pose[1] * 2 * np.pi / _POSES
            self.poses[pose] = draw_figure(self.looks[visit.pid], phase)
        figure = self.poses[pose]
        scale = visit.height / len(figure)
        shape = (round(figure.shape[1] * scale), round(visit.height))
        figure = cv2.resize(figure, shape, interpolation=cv2.INTER_AREA)
        x = walked - 6 * visit.speed
        if visit.direction < 0:
            figure = figure[:, ::-1]
            x = self.street.shape[1] - x
        left = round(x - figure.shape[1] / 2)
        return figure, left, round(visit.foot) - len(figure)

    def _expose(self, picture: np.ndarray, frame: int) -> np.ndarray:
        """Let the light drift slowly and the sensor be noisy."""
        drift = 1 + 0.06 * np.sin(frame / 60) + 0.02 * np.sin(frame / 17)
        bright = cv2.convertScaleAbs(picture, alpha=drift)
        y, x = self.rng.integers(64, size=2)
        height, width = picture.shape[:2]
        noise = self.noise[y : y + height, x : x + width]
        return cv2.add(bright, noise, dtype=cv2.CV_8U)


def _overlap(
    shape: tuple[int, ...], left: int, top: int, figure: np.ndarray
) -> tuple[int, int, int, int]:
    """Return ``x0, y0, x1, y1`` of a figure inside a picture."""
    x1 = min(left + figure.shape[1], shape[1])
    y1 = min(top + figure.shape[0], shape[0])
    return max(left, 0), max(top, 0), x1, y1


def _paint(
    picture: np.ndarray,
    figure: np.ndarray,
    left: int,
    top: int,
    owner: np.ndarray,
    pid: int = -1,
) -> None:
    """Paint a figure, and note in ``owner`` whose pixels these are."""
    x0, y0, x1, y1 = _overlap(picture.shape, left, top, figure)
    if x0 >= x1 or y0 >= y1:
        return
    part = figure[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[..., 3:] / np.float32(255)
    below = picture[y0:y1, x0:x1]
    below[:] = below + (part[..., :3] - below.astype(np.float32)) * alpha
    owner[y0:y1, x0:x1][part[..., 3] > 127] = pid


def _cast_shadow(picture: np.ndarray, x: int, visit: Visit) -> None:
    y = round(visit.foot) - 1
    axes = (round(0.2 * visit.height), max(round(0.04 * visit.height), 1))
    low, high = max(y - 14, 0), y + 14
    strip = picture[low:high]
    shade = np.zeros(strip.shape[:2], np.uint8)
    cv2.ellipse(shade, (x, y - low), axes, 0, 0, 360, 90, -1)
    soft = cv2.GaussianBlur(shade, (0, 0), 2.5)[..., None]
    strip[:] = strip * (1 - soft / np.float32(255))


def _is_visible(owner: np.ndarray, pid: int, figure: np.ndarray) -> bool:
    solid = int((figure[..., 3] > 127).sum())
    return int((owner == pid).sum()) >= _MIN_VISIBLE * solid


def _clip(
    owner: np.ndarray, left: int, top: int, figure: np.ndarray
) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = _overlap(owner.shape, left, top, figure)
    return x0, y0, x1 - x0, y1 - y0


def write_synthetic_video(
    path: str | Path,
    num_persons: int = 8,
    num_frames: int = 400,
    size: tuple[int, int] = (640, 360),
    fps: int = 10,
    seed: int = 0,
) -> Path:
    """Write a street video and, beside it, the truth about its people.

    The same arguments give the same people and paths.

    Args:
        path: ``.avi`` file to write, Motion JPEG.
        num_persons: distinct people; each comes several times when there
            are 260 frames or more.
        num_frames: length.
        size: width and height in pixels.
        fps: frames per second; does not change the pictures.
        seed: of clothes, paths and noise.

    Returns:
        The CSV file ``<stem>_gt.csv`` with ``frame,id,x,y,w,h``: frames from
        1, ids from 0 and one per person, boxes clipped to the picture.
        People of whom less than 30 % is in sight are left out.

    Raises:
        ValueError: if the name does not end in ``.avi`` or a number is not
            positive.
        OSError: if OpenCV cannot write the video.
    """
    path = Path(path)
    if path.suffix != '.avi':
        raise ValueError(f'path must end in .avi; got {path}.')
    if min(num_persons, num_frames, fps, *size) < 1:
        raise ValueError(
            f'num_persons, num_frames, fps and size must be positive; got '
            f'{num_persons}, {num_frames}, {fps} and {size}.'
        )
    rng = np.random.default_rng(seed)
    scene = Scene(size, draw_looks(num_persons, rng), seed)
    visits = plan_visits(num_persons, num_frames, size, rng)
    truth = path.with_name(f'{path.stem}_gt.csv')
    with atomic_file(path) as video, atomic_file(truth) as table:
        lines = _write_frames(video, scene, visits, num_frames, fps)
        with open(table, 'w', newline='') as file:
            csv.writer(file).writerows([_FIELDS, *lines])
    return truth


def _write_frames(
    path: Path,
    scene: Scene,
    visits: Sequence[Visit],
    num_frames: int,
    fps: int,
) -> list[TruthLine]:
    height, width = scene.street.shape[:2]
    part = path.with_suffix('.avi')  # OpenCV goes by the ending
    code = cv2.VideoWriter.fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(part), code, fps, (width, height))
    try:
        if not writer.isOpened():
            raise OSError(f'OpenCV cannot write Motion JPEG to {part}.')
        lines = []
        for frame in range(num_frames):
            picture, truth = scene.render(frame, visits)
            writer.write(picture)
            lines += truth
        writer.release()
        os.replace(part, path)
    finally:
        writer.release()
        part.unlink(missing_ok=True)
    return lines


def synthetic_detections(
    truth: str | Path,
    seed: int = 0,
    *,
    jitter: float = 0.04,
    miss_rate: float = 0.08,
    false_rate: float = 0.1,
    size: tuple[int, int] = (640, 360),
) -> np.ndarray:
    """Return what an imperfect detector might have found.

    Args:
        truth: CSV file of ``write_synthetic_video``.
        seed: of the imperfections.
        jitter: standard deviation of position and size, by box size.
        miss_rate: share of boxes that are not found, in [0, 1].
        false_rate: boxes without a person, by true box.
        size: width and height of the video; false boxes lie inside.

    Returns:
        ``(M, 10)`` float64 rows of a MOTChallenge ``det.txt``, by frame:
        frame from 1, -1, x, y, w, h, score, -1, -1, -1. Write them with
        ``np.savetxt(path, rows, fmt='%g', delimiter=',')``.
    """
    rng = np.random.default_rng(seed)
    lines = np.loadtxt(truth, delimiter=',', skiprows=1, ndmin=2)
    lines = lines.reshape(-1, len(_FIELDS))
    lines = lines[rng.random(len(lines)) >= miss_rate]
    frame, box = lines[:, 0], lines[:, 2:]
    noise = rng.normal(0, jitter, box.shape) * np.tile(box[:, 2:], 2)
    found = _det_rows(frame, box + noise, rng.uniform(0.5, 1, len(box)))

    chosen = lines[rng.random(len(lines)) < false_rate]
    corner = rng.random((len(chosen), 2)) * (np.array(size) - chosen[:, 4:])
    wrong = np.concatenate([corner, chosen[:, 4:]], axis=1)
    score = rng.uniform(0.3, 0.7, len(chosen))
    rows = np.concatenate([found, _det_rows(chosen[:, 0], wrong, score)])
    return rows[np.argsort(rows[:, 0], kind='stable')]


def _det_rows(
    frame: np.ndarray, box: np.ndarray, score: np.ndarray
) -> np.ndarray:
    none = np.full((len(frame), 1), -1.0)
    parts = (frame[:, None], none, box, score[:, None], none, none, none)
    return np.concatenate(parts, axis=1)
