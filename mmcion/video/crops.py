"""Crops of the people in a frame, written as JPEG files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmcion.utils.checks import check_at_least, check_interval
from mmcion.utils.io import name_full_disk


@dataclass(frozen=True)
class CropSettings:
    """Which crops are kept, and how they are written.

    Attributes:
        stride: Crops are taken from every n-th frame.
        min_length: Least number of images of a tracklet, counted per clip.
        min_height: Least height of a box in pixels.
        clips: Number of equal pieces of a video that count as videos.
        padding: Margin on every side of a box, as a fraction of its size.
        quality: Quality of the JPEG files, 1..100.
    """

    stride: int = 1
    min_length: int = 5
    min_height: int = 0
    clips: int = 1
    padding: float = 0.05
    quality: int = 95

    def __post_init__(self) -> None:
        check_at_least(
            1, stride=self.stride, min_length=self.min_length, clips=self.clips
        )
        check_at_least(0.0, min_height=self.min_height, padding=self.padding)
        check_interval('[1, 100]', quality=self.quality)


def crop_window(
    box: np.ndarray, width: int, height: int, padding: float
) -> tuple[int, int, int, int]:
    """Return corners ``(4,)`` with a margin, rounded, clipped to the frame.

    The margin is a fraction of the box's size, the same on opposite sides.
    """
    # in double precision: float32 could round to another pixel
    x1, y1, x2, y2 = map(float, box)
    pad_x, pad_y = padding * (x2 - x1), padding * (y2 - y1)
    return (
        min(max(round(x1 - pad_x), 0), width),
        min(max(round(y1 - pad_y), 0), height),
        min(max(round(x2 + pad_x), 0), width),
        min(max(round(y2 + pad_y), 0), height),
    )


class CropFolders:
    """Writes the crops of one video; a context manager.

    Crops are written to a hidden folder, ``root/.<name>.tmp``, and moved to
    ``root/<folder>`` by ``finish``, so that a killed run leaves no incomplete
    folder of crops.
    """

    def __init__(self, root: Path, name: str, quality: int) -> None:
        self.root = root
        self.quality = quality
        self._hidden = root / f'.{name}.tmp'
        shutil.rmtree(self._hidden, ignore_errors=True)
        self._hidden.mkdir(parents=True)

    def __enter__(self) -> CropFolders:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._hidden, ignore_errors=True)

    def add(self, file_name: str, image: np.ndarray) -> None:
        """Write one crop."""
        quality = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
        good, data = cv2.imencode('.jpg', image, quality)
        assert good, image.shape
        with name_full_disk(self._hidden / file_name):
            (self._hidden / file_name).write_bytes(data.tobytes())

    def finish(self, paths: Iterable[str]) -> None:
        """Move the crops that are kept to ``root/<folder>/<file name>``."""
        # each folder is completed inside the hidden one, then moved at once
        folders: set[str] = set()
        for path in paths:
            folder, file_name = path.split('/')
            if folder not in folders:
                (self._hidden / folder).mkdir()
                folders.add(folder)
            os.replace(self._hidden / file_name, self._hidden / path)
        for folder in folders:
            shutil.rmtree(self.root / folder, ignore_errors=True)
            os.replace(self._hidden / folder, self.root / folder)
