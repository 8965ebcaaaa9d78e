"""Cut people out of frames and write them as JPEG files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np


@dataclass(frozen=True)
class CropSettings:
    """Which crops are kept, and how.

    Attributes:
        stride: crops are taken from every n-th frame.
        min_length: images of the shortest tracklet that is kept, counted in
            each clip.
        min_height: least height of a person in pixels.
        clips: number of equal pieces of a video that count as videos.
        padding: added around a box on every side, as a share of it.
        quality: of the JPEG files, 1..100.
    """

    stride: int = 1
    min_length: int = 5
    min_height: int = 0
    clips: int = 1
    padding: float = 0.05
    quality: int = 95

    def __post_init__(self) -> None:
        for name in ('stride', 'min_length', 'clips'):
            if getattr(self, name) < 1:
                raise ValueError(
                    f'{name} ({getattr(self, name)}) must be >= 1.'
                )
        for name in ('min_height', 'padding'):
            if getattr(self, name) < 0:
                raise ValueError(
                    f'{name} ({getattr(self, name)}) must be >= 0.'
                )
        if not 1 <= self.quality <= 100:
            raise ValueError(f'quality ({self.quality}) must lie in [1, 100].')


def crop_window(
    box: np.ndarray, width: int, height: int, padding: float
) -> tuple[int, int, int, int]:
    """Return the padded box as ``x1, y1, x2, y2``, clipped to the frame.

    Args:
        box: ``(4,)`` corners ``x1, y1, x2, y2``.
        width: of the frame.
        height: of the frame.
        padding: added on every side, as a share of the box.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    pad_x, pad_y = padding * (x2 - x1), padding * (y2 - y1)
    return (
        min(max(round(x1 - pad_x), 0), width),
        min(max(round(y1 - pad_y), 0), height),
        min(max(round(x2 + pad_x), 0), width),
        min(max(round(y2 + pad_y), 0), height),
    )


class CropFolders:
    """The crops of one video, trusted only once they are all there.

    They are written to a hidden folder and moved to ``root/<name>`` when it
    is known which of them stay, so a killed run leaves no half of them.

    Args:
        root: folder of all crops.
        name: of the video.
        quality: of the JPEG files, 1..100.
    """

    def __init__(self, root: Path, name: str, quality: int) -> None:
        self.root = root
        self.quality = quality
        self._hidden = root / f'.{name}.tmp'
        shutil.rmtree(self._hidden, ignore_errors=True)
        self._hidden.mkdir(parents=True)

    def add(self, file_name: str, image: np.ndarray) -> None:
        """Write one crop.

        Raises:
            OSError: if the disk does not take it.
        """
        good, data = cv2.imencode(
            '.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, self.quality]
        )
        if not good:
            raise OSError(f'a crop of {image.shape} could not be encoded')
        (self._hidden / file_name).write_bytes(data.tobytes())

    def finish(self, kept: Iterable[tuple[str, str]]) -> None:
        """Move the crops that stay; delete the others.

        Args:
            kept: pairs of folder and file name.
        """
        folders: dict[str, list[str]] = {}
        for folder, file_name in kept:
            folders.setdefault(folder, []).append(file_name)
        for folder, file_names in folders.items():
            hidden = self._hidden / folder
            hidden.mkdir()
            for file_name in file_names:
                os.replace(self._hidden / file_name, hidden / file_name)
            shutil.rmtree(self.root / folder, ignore_errors=True)
            os.replace(hidden, self.root / folder)
        self.discard()

    def discard(self) -> None:
        """Delete the crops that were not moved."""
        shutil.rmtree(self._hidden, ignore_errors=True)
