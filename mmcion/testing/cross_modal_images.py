"""Visible and infrared images of drawn people, in published layouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .synthetic_figure import Color, Look, draw_figure, draw_looks
from .synthetic_people import photograph

VISIBLE, THERMAL = (1, 4), (3, 6)  # cameras of SYSU-MM01 that are drawn
# what a camera does to blue, green and red
_GAINS = {
    1: (1.15, 1.0, 0.85),
    4: (0.75, 0.85, 1.05),
    3: (1.1, 1.1, 1.1),
    6: (0.8, 0.8, 0.8),
}
_INFRARED = np.array([0.1, 0.3, 0.6])  # of blue, green and red
_CLUTTER = 0.2  # a camera stands still: weaker than the person


def draw_image(
    look: Look,
    cam_id: int,
    rng: np.random.Generator,
    size: tuple[int, int],
    clutter: float = _CLUTTER,
) -> np.ndarray:
    """Draw a person as a camera of SYSU-MM01 sees it.

    ``clutter`` is the contrast of the background, in [0, 1].
    """
    if cam_id in THERMAL:
        names = ('top', 'bottom', 'hair', 'skin', 'bag_color')
        dyed: dict[str, Any] = {n: _infrared(getattr(look, n)) for n in names}
        look = replace(look, **dyed)
    patches = rng.integers(0, 256, (8, 4, 3), np.uint8)
    background = cv2.resize(patches, size[::-1]).astype(float)
    background = 128 + clutter * (background - 128)
    figure = draw_figure(look, rng.uniform(0, 2 * np.pi))
    gains = np.array(_GAINS[cam_id])
    image = photograph(figure, background, gains, size, rng)
    if cam_id in THERMAL:
        # the background loses its colours, too
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    return image


def _infrared(color: Color) -> Color:
    brightness = float(_INFRARED @ np.array(color))
    return brightness, brightness, brightness


def write_sysumm01(
    root: Path,
    num_train: int,
    num_test: int,
    per_camera: int = 2,
    *,
    size: tuple[int, int] = (64, 32),
    clutter: float = _CLUTTER,
    seed: int = 0,
) -> Path:
    """Write drawn people as the folders of SYSU-MM01; return ``root``.

    Each person is in two visible and two infrared cameras. Those of the test
    have other clothes than those to train on.

    Args:
        root: Folder, made if needed.
        num_train: Number of identities of ``train_id.txt``.
        num_test: Number of identities of ``test_id.txt``.
        per_camera: Images of each identity and camera.
        size: Height and width in pixels.
        clutter: See ``draw_image``.
        seed: Seed of the drawing.
    """
    rng = np.random.default_rng(seed)
    for camera in range(1, 7):
        (root / f'cam{camera}').mkdir(parents=True)
    for pid, look in enumerate(_looks(num_train + num_test, rng), 1):
        for camera in (*VISIBLE, *THERMAL):
            folder = root / f'cam{camera}' / f'{pid:04d}'
            folder.mkdir()
            for number in range(per_camera):
                image = draw_image(look, camera, rng, size, clutter)
                cv2.imwrite(str(folder / f'{number:04d}.png'), image)
    (root / 'exp').mkdir()
    pids = list(map(str, range(1, num_train + num_test + 1)))
    middle = num_train // 2
    for name, part in (
        ('train', pids[:middle]),
        ('val', pids[middle:num_train]),
        ('test', pids[num_train:]),
    ):
        (root / f'exp/{name}_id.txt').write_text(','.join(part))
    return root


def write_regdb(
    root: Path,
    num_train: int,
    num_test: int,
    per_camera: int = 2,
    *,
    size: tuple[int, int] = (64, 32),
    seed: int = 0,
) -> Path:
    """Write drawn people as RegDB with its first split; return ``root``.

    For arguments see ``write_sysumm01``; a modality is a camera.
    """
    rng = np.random.default_rng(seed)
    (root / 'idx').mkdir(parents=True)
    lines: dict[str, list[str]] = {}
    for pid, look in enumerate(_looks(num_train + num_test, rng)):
        split, label = ('train', pid)
        if pid >= num_train:
            split, label = 'test', pid - num_train
        for modality, camera in (('visible', 1), ('thermal', 3)):
            folder = root / modality.title() / str(pid)
            folder.mkdir(parents=True)
            for number in range(per_camera):
                name = f'drawn_{modality[0]}_{number:05d}_{pid}.bmp'
                image = draw_image(look, camera, rng, size)
                cv2.imwrite(str(folder / name), image)
                path = f'{modality.title()}/{pid}/{name}'
                lines.setdefault(f'{split}_{modality}_1', []).append(
                    f'{path} {label}\n'
                )
    for file, text in lines.items():
        (root / f'idx/{file}.txt').write_text(''.join(text))
    return root


def _looks(number: int, rng: np.random.Generator) -> list[Look]:
    """Draw clothes, and mix those that are alike."""
    looks = draw_looks(number, rng)
    return [looks[place] for place in rng.permutation(number)]
