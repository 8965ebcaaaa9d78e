"""Drawn images of people whose identities are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmcion.utils.checks import check_at_least

from .synthetic_figure import draw_figure, draw_looks

# what a camera does to blue, green and red
_CAMERAS = np.array([[1.25, 1.0, 0.75], [0.55, 0.7, 0.9]])
_SIZE = (128, 64)


def photograph(
    figure: np.ndarray,
    background: np.ndarray,
    camera: np.ndarray,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """Put a drawn figure before a background, as a camera sees it.

    Args:
        figure: What ``draw_figure`` returns.
        background: ``(h, w, 3)``, a few coarse patches.
        camera: Factors of blue, green and red.
        size: Height and width of the image.
        rng: Source of place, side, light and noise.

    Returns:
        ``(H, W, 3)`` uint8 blue, green, red.
    """
    image = cv2.resize(background, size[::-1]).astype(float)
    if rng.random() < 0.5:
        figure = figure[:, ::-1]
    height = int(rng.uniform(0.85, 1) * size[0])
    width = min(round(figure.shape[1] * height / figure.shape[0]), size[1])
    figure = cv2.resize(figure, (width, height), interpolation=cv2.INTER_AREA)
    top = rng.integers(size[0] - height + 1)
    left = rng.integers(size[1] - width + 1)
    place = image[top : top + height, left : left + width]
    alpha = figure[..., 3:] / 255
    place[:] = alpha * figure[..., :3] + (1 - alpha) * place
    image *= camera * rng.uniform(0.85, 1.15)
    image += rng.normal(0, 6, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def write_people(
    folder: str | Path,
    *,
    num_identities: int = 20,
    num_images: int = 8,
    seed: int = 0,
) -> Path:
    """Write images of drawn people, one folder per identity.

    Args:
        folder: Folder to write; images are ``0003/c1_5.jpg``: identity,
            camera and number.
        num_identities: Number of identities.
        num_images: Number of images of each; two cameras take turns.
        seed: Seed of clothes, poses and noise.

    Returns:
        The folder.

    Raises:
        UserError: If a number is below 1.
    """
    check_at_least(1, num_identities=num_identities, num_images=num_images)
    rng = np.random.default_rng(seed)
    for pid, look in enumerate(draw_looks(num_identities, rng)):
        person = Path(folder, f'{pid:04d}')
        person.mkdir(parents=True, exist_ok=True)
        for number in range(num_images):
            cam_id = number % len(_CAMERAS)
            patches = rng.integers(0, 256, (8, 4, 3), np.uint8)
            figure = draw_figure(look, rng.uniform(0, 2 * np.pi))
            image = photograph(figure, patches, _CAMERAS[cam_id], _SIZE, rng)
            content = cv2.imencode('.jpg', image)[1].tobytes()
            (person / f'c{cam_id}_{number}.jpg').write_bytes(content)
    return Path(folder)
