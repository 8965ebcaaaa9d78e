"""Drawn images of people whose identities and cameras are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmcion.utils.checks import check_at_least

from .synthetic_figure import Look, draw_figure, draw_looks

# what a camera does to blue, green and red
_CAMERAS = np.array([[1.25, 1.0, 0.75], [0.55, 0.7, 0.9]])
NUM_CAMERAS = len(_CAMERAS)


def draw_person(
    look: Look,
    cam_id: int,
    rng: np.random.Generator,
    size: tuple[int, int] = (128, 64),
) -> np.ndarray:
    """Draw a person in front of a coarse background, as a camera sees it.

    Args:
        look: Clothes and build.
        cam_id: Camera, below ``NUM_CAMERAS``; it has colours of its own.
        rng: Source of background, pose, place and noise.
        size: Height and width in pixels.

    Returns:
        ``(H, W, 3)`` uint8 blue, green, red.
    """
    full_height, full_width = size
    coarse = rng.integers(0, 256, (8, 4, 3), np.uint8)
    image = cv2.resize(coarse, (full_width, full_height)).astype(float)
    figure = draw_figure(look, rng.uniform(0, 2 * np.pi))
    if rng.random() < 0.5:
        figure = figure[:, ::-1]
    height = int(rng.uniform(0.85, 1) * full_height)
    width = round(figure.shape[1] * height / figure.shape[0])
    width = min(width, full_width)
    figure = cv2.resize(figure, (width, height), interpolation=cv2.INTER_AREA)
    top = rng.integers(full_height - height + 1)
    left = rng.integers(full_width - width + 1)
    place = image[top : top + height, left : left + width]
    alpha = figure[..., 3:] / 255
    place[:] = alpha * figure[..., :3] + (1 - alpha) * place
    image *= _CAMERAS[cam_id] * rng.uniform(0.85, 1.15)
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
        num_images: Number of images of each; cameras take turns.
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
            cam_id = number % NUM_CAMERAS
            image = draw_person(look, cam_id, rng)
            content = cv2.imencode('.jpg', image)[1].tobytes()
            (person / f'c{cam_id}_{number}.jpg').write_bytes(content)
    return Path(folder)
