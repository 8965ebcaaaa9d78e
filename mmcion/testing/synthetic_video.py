"""A drawn street with walking figures whose identities are known.

It replaces real footage where none can be fetched or shown: in tests, in
images of the documentation, and in the quickstart without network.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmcion.utils.checks import UserError, check_at_least
from mmcion.utils.paths import utf8_path

from .synthetic_figure import Look, draw_figure, draw_looks
from .synthetic_street import Sprite, draw_occluders, draw_street

TruthRow = tuple[int, int, int, int, int, int]  # frame, id, x, y, w, h

_COLUMNS = ('frame', 'id', 'x', 'y', 'w', 'h')
_FIGURE = 0.46  # height of a figure by y of its feet: perspective
_POSES = 12  # drawn poses of one stride
_STRIDE = 0.75  # length of a stride (two steps) by height of the figure
_VISIT = 130  # frames of the video for each visit of an identity
_MIN_VISIBLE = 0.3  # visible fraction of a figure that the truth lists
_NOISE = 3.0  # standard deviation, of 255


@dataclass
class Visit:
    """One walk of an identity through the image."""

    pid: int
    start: float  # first frame; may be before the video
    end: float  # last frame; may be after the video
    foot: float  # y of the feet in pixels
    speed: float  # pixels per frame
    direction: int  # 1 to the right, -1 to the left

    @property
    def height(self) -> float:
        """Height of the figure in pixels."""
        return _FIGURE * self.foot


def plan_visits(
    num_identities: int,
    num_frames: int,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> list[Visit]:
    """Let each identity cross the street several times, never twice at once.

    ``size`` is the width and height of the image.
    """
    width, height = size
    count = max(1, num_frames // _VISIT)
    slot = num_frames / count
    visits = []
    for pid in range(num_identities):
        free = -np.inf  # first frame in which this identity may start
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
    """Draws the figures of a frame into the street, far ones first.

    ``looks`` are the clothes of each identity; ``seed`` is that of background
    and sensor noise.
    """

    def __init__(
        self, size: tuple[int, int], looks: Sequence[Look], seed: int
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.street = draw_street(size, self.rng)
        self.occluders = draw_occluders(size)
        self.looks = looks
        self.poses: dict[tuple[int, int], np.ndarray] = {}
        # 64 pixels larger than the image: each frame sees another window
        height, width = self.street.shape[:2]
        noise = self.rng.normal(0, _NOISE, (height + 64, width + 64, 3))
        self.noise = noise.astype(np.int16)

    def render(
        self, frame: int, visits: Sequence[Visit]
    ) -> tuple[np.ndarray, list[TruthRow]]:
        """Return the image ``(H, W, 3)`` and the truth of visible figures.

        ``frame`` counts from 0, the truth from 1.
        """
        image = self.street.copy()
        height, width = image.shape[:2]
        owner = np.full((height, width), -1, np.int16)  # pid of each pixel
        here = [v for v in visits if v.start <= frame <= v.end]
        layers: list[Sprite | Visit] = [*self.occluders, *here]
        drawn = []
        for layer in sorted(layers, key=lambda layer: layer.foot):
            if isinstance(layer, Sprite):
                _paint(image, layer, owner)
                continue
            figure = self._figure(frame, layer)
            center = figure.left + figure.image.shape[1] // 2
            _cast_shadow(image, center, layer)
            _paint(image, figure, owner, layer.pid)
            drawn.append((layer.pid, figure))
        # whether a figure is visible is known only after the nearer ones
        truth = []
        for pid, figure in drawn:
            solid = int((figure.image[..., 3] > 127).sum())
            if int((owner == pid).sum()) >= _MIN_VISIBLE * solid:
                x0, y0, x1, y1 = _inside(owner.shape, figure)
                truth.append((frame + 1, pid, x0, y0, x1 - x0, y1 - y0))
        # the light drifts slowly
        drift = 1 + 0.06 * np.sin(frame / 60) + 0.02 * np.sin(frame / 17)
        bright = cv2.convertScaleAbs(image, alpha=drift)
        y, x = self.rng.integers(64, size=2)
        noise = self.noise[y : y + height, x : x + width]
        return cv2.add(bright, noise, dtype=cv2.CV_8U), truth

    def _figure(self, frame: int, visit: Visit) -> Sprite:
        """Return the figure of a visit at its place."""
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
        top = round(visit.foot) - len(figure)
        return Sprite(visit.foot, left, top, figure)


def _inside(
    shape: tuple[int, ...], sprite: Sprite
) -> tuple[int, int, int, int]:
    """Return ``x0, y0, x1, y1`` of the part inside an image."""
    left, top = sprite.left, sprite.top
    height, width = sprite.image.shape[:2]
    x1, y1 = min(left + width, shape[1]), min(top + height, shape[0])
    return max(left, 0), max(top, 0), x1, y1


def _paint(
    image: np.ndarray, sprite: Sprite, owner: np.ndarray, pid: int = -1
) -> None:
    """Blend a sprite into an image and enter its ``pid`` into ``owner``."""
    x0, y0, x1, y1 = _inside(image.shape, sprite)
    if x0 >= x1 or y0 >= y1:
        return
    left, top = sprite.left, sprite.top
    part = sprite.image[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[..., 3:] / np.float32(255)
    below = image[y0:y1, x0:x1]
    below[:] = below + (part[..., :3] - below.astype(np.float32)) * alpha
    owner[y0:y1, x0:x1][part[..., 3] > 127] = pid


def _cast_shadow(image: np.ndarray, x: int, visit: Visit) -> None:
    y = round(visit.foot) - 1
    axes = (round(0.2 * visit.height), max(round(0.04 * visit.height), 1))
    low, high = max(y - 14, 0), y + 14
    strip = image[low:high]
    shade = np.zeros(strip.shape[:2], np.uint8)
    cv2.ellipse(shade, (x, y - low), axes, 0, 0, 360, 90, -1)
    soft = cv2.GaussianBlur(shade, (0, 0), 2.5)[..., None]
    strip[:] = strip * (1 - soft / np.float32(255))


def write_synthetic_video(
    path: str | Path,
    *,
    num_identities: int = 8,
    num_frames: int = 400,
    size: tuple[int, int] = (640, 360),
    fps: int = 10,
    seed: int = 0,
) -> Path:
    """Write a street video and, beside it, the true boxes and identities.

    The same arguments give the same figures and paths.

    Args:
        path: ``.avi`` file to write, Motion JPEG.
        num_identities: Number of identities; each comes several times if
            there are 260 frames or more.
        num_frames: Length of the video.
        size: Width and height in pixels.
        fps: Frames per second; does not change the images.
        seed: Seed of clothes, paths and noise.

    Returns:
        The CSV file ``<stem>_gt.csv`` with ``frame,id,x,y,w,h``: frames from
        1, identities from 0, boxes clipped to the image. Figures of which
        less than 30 % is visible are not listed.

    Raises:
        UserError: If the suffix is not ``.avi`` or a number is below 1.
        OSError: If OpenCV cannot write the video.
    """
    path = Path(path)
    if path.suffix != '.avi':
        raise UserError(f'path must end in .avi; got {path}.')
    width, height = size
    check_at_least(1, num_identities=num_identities, num_frames=num_frames)
    check_at_least(1, fps=fps, width=width, height=height)
    rng = np.random.default_rng(seed)
    scene = Scene(size, draw_looks(num_identities, rng), seed)
    visits = plan_visits(num_identities, num_frames, size, rng)
    truth = path.with_name(f'{path.stem}_gt.csv')
    path.parent.mkdir(parents=True, exist_ok=True)
    # not atomic_file: OpenCV chooses the container by the suffix
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        video, table = Path(folder, path.name), Path(folder, truth.name)
        code = cv2.VideoWriter.fourcc(*'MJPG')
        writer = cv2.VideoWriter(utf8_path(video), code, fps, size)
        if not writer.isOpened():
            raise OSError(f'OpenCV cannot write Motion JPEG to {path}.')
        rows = []
        for frame in range(num_frames):
            image, visible = scene.render(frame, visits)
            writer.write(image)
            rows += visible
        writer.release()
        with open(table, 'w', newline='') as file:
            csv.writer(file, lineterminator='\n').writerows([_COLUMNS, *rows])
        os.replace(video, path)
        os.replace(table, truth)
    return truth


def synthetic_detections(
    truth: str | Path,
    seed: int = 0,
    *,
    jitter: float = 0.04,
    miss_rate: float = 0.08,
    false_rate: float = 0.1,
    size: tuple[int, int] = (640, 360),
) -> np.ndarray:
    """Return boxes as an imperfect detector would find them.

    Args:
        truth: CSV file of ``write_synthetic_video``.
        seed: Seed of the imperfections.
        jitter: Standard deviation of position and size, relative to the box.
        miss_rate: Fraction of true boxes that are not found, in [0, 1].
        false_rate: Number of false boxes per true box.
        size: Width and height of the video; false boxes are inside.

    Returns:
        ``(M, 10)`` float64 rows of a MOTChallenge ``det.txt``, by frame:
        frame from 1, -1, x, y, w, h, score, -1, -1, -1. Write them with
        ``np.savetxt(path, rows, fmt='%g', delimiter=',')``.
    """
    rng = np.random.default_rng(seed)
    rows = np.loadtxt(truth, delimiter=',', skiprows=1, ndmin=2)
    rows = rows.reshape(-1, len(_COLUMNS))
    rows = rows[rng.random(len(rows)) >= miss_rate]
    frame, box = rows[:, 0], rows[:, 2:]
    noise = rng.normal(0, jitter, box.shape) * np.tile(box[:, 2:], 2)
    score = rng.uniform(0.5, 1, len(box))
    # a false box has the size of a true one, anywhere in the image
    chosen = rows[rng.random(len(rows)) < false_rate]
    corner = rng.random((len(chosen), 2)) * (np.array(size) - chosen[:, 4:])
    wrong = np.hstack((corner, chosen[:, 4:]))
    wrong_score = rng.uniform(0.3, 0.7, len(chosen))
    found = np.full((len(box) + len(wrong), 10), -1.0)
    found[:, 0] = np.concatenate((frame, chosen[:, 0]))
    found[:, 2:6] = np.concatenate((box + noise, wrong))
    found[:, 6] = np.concatenate((score, wrong_score))
    return found[np.argsort(found[:, 0], kind='stable')]
