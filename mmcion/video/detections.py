"""Detections: the people of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Detections:
    """The people of one frame.

    Attributes:
        boxes: ``(n, 4)`` float32 ``x1, y1, x2, y2`` in pixels of the frame.
        scores: ``(n,)`` float32 confidence.
        ids: ``(n,)`` int64 track numbers, -1 = none, where the source of the
            boxes knows them; else None.
    """

    boxes: np.ndarray
    scores: np.ndarray
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        self.scores = np.asarray(self.scores, np.float32).reshape(-1)
        if self.ids is not None:
            self.ids = np.asarray(self.ids, np.int64).reshape(-1)
        lengths = {len(self.boxes), len(self.scores)}
        lengths |= set() if self.ids is None else {len(self.ids)}
        if len(lengths) > 1:
            raise ValueError(
                f'{len(self.boxes)} boxes need as many scores and ids; got '
                f'lengths {sorted(lengths)}.'
            )

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: np.ndarray) -> Detections:
        """Return some of the rows, by mask or index."""
        ids = None if self.ids is None else self.ids[rows]
        return Detections(self.boxes[rows], self.scores[rows], ids)

    @classmethod
    def empty(cls) -> Detections:
        """Return no people."""
        return cls(np.empty((0, 4)), np.empty(0))
