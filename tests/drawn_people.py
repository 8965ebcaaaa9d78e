"""Photographs of drawn people: sets whose identities a network can learn."""

import colorsys

import cv2
import numpy as np

from mmcion.testing import Look, draw_figure, photograph


def draw_look(rng):
    """Draw clothes and build, each independently of the others."""

    def color():
        hsv = rng.random(), rng.random(), rng.uniform(0.2, 0.95)
        return tuple(255 * level for level in colorsys.hsv_to_rgb(*hsv))

    return Look(
        top=color(),
        bottom=color(),
        hair=tuple(rng.uniform(20, 180) * np.array((0.8, 0.9, 1.0))),
        skin=tuple(rng.uniform(100, 230) * np.array((0.6, 0.8, 1.0))),
        bag=str(rng.choice(('none', 'backpack', 'shoulder'))),
        bag_color=color(),
        cut=str(rng.choice(('trousers', 'coat', 'shorts', 'skirt'))),
        hat=bool(rng.random() < 0.3),
        long_hair=bool(rng.random() < 0.4),
        stripes=bool(rng.random() < 0.3),
        build=float(rng.uniform(0.85, 1.2)),
    )


def draw_cameras(number, rng):
    """Draw what cameras do to blue, green and red: ``(number, 3)``."""
    return rng.uniform(0.65, 1.2, (number, 3))


def draw_people(
    folder,
    number,
    shots,
    cameras,
    rng,
    *,
    size=(72, 36),
    poses=3,
    grey=(60, 200),
    clutter=30,
):
    """Write images of people; return the rows of a table.

    Args:
        folder: Folder to make.
        number: Number of identities.
        shots: Part and camera of each image of an identity.
        cameras: See ``draw_cameras``.
        rng: Source of everything.
        size: Height and width of the images.
        poses: Number of poses that an identity takes.
        grey: Bounds of the brightness of a background.
        clutter: Contrast of its patches.

    Returns:
        ``(path, pid, cam_id, part)`` of each image; pids count from 0.
    """
    folder.mkdir(parents=True)
    rows = []
    for pid in range(number):
        look = draw_look(rng)
        figures = [
            draw_figure(look, rng.uniform(0, 2 * np.pi)) for _ in range(poses)
        ]
        for count, (part, cam_id) in enumerate(shots):
            figure = figures[rng.integers(poses)]
            level = rng.uniform(*grey)
            patches = level + rng.uniform(-clutter, clutter, (8, 4, 3))
            image = photograph(figure, patches, cameras[cam_id], size, rng)
            path = folder / f'{part}_{pid}_{count}.png'
            cv2.imwrite(str(path), image)
            rows.append((str(path), pid, cam_id, part))
    return rows
