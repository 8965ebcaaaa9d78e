"""Detections: boxes of people in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmcion.utils.checks import check_same_length


@dataclass
class Detections:
    """Boxes of people in one frame.

    Attributes:
        boxes: ``(n, 4)`` float32 ``x1, y1, x2, y2`` in pixels of the frame.
        scores: ``(n,)`` float32 confidence.
        ids: ``(n,)`` int64 track of each box, -1 for none; None where the
            source of the boxes has no tracks.
    """

    boxes: np.ndarray
    scores: np.ndarray
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        self.scores = np.asarray(self.scores, np.float32).reshape(-1)
        check_same_length(boxes=self.boxes, scores=self.scores)
        if self.ids is not None:
            self.ids = np.asarray(self.ids, np.int64).reshape(-1)
            check_same_length(boxes=self.boxes, ids=self.ids)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: np.ndarray) -> Detections:
        """Return some of the rows, by mask or index."""
        ids = None if self.ids is None else self.ids[rows]
        return Detections(self.boxes[rows], self.scores[rows], ids)

    @classmethod
    def empty(cls) -> Detections:
        """Return no boxes."""
        return cls(np.empty((0, 4)), np.empty(0))
