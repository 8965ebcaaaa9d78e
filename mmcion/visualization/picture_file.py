"""Pictures as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mmcion.utils.io import atomic_file


def picture_format(path: str | Path) -> str:
    """Return the format that the ending of a file means.

    Raises:
        ValueError: if pictures do not end so.
    """
    kind = Image.registered_extensions().get(Path(path).suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise ValueError(f'{path} must end as pictures do, such as .png')
    return kind


def save_picture(picture: np.ndarray, path: str | Path) -> None:
    """Write ``(H, W, 3)`` uint8 RGB, atomically.

    Raises:
        ValueError: see ``picture_format``.
    """
    kind = picture_format(path)
    with atomic_file(path) as temporary:
        Image.fromarray(picture).save(temporary, kind)
