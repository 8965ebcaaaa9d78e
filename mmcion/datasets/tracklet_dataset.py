"""TrackletDataset: the images of a table in row order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from torch.utils.data import Dataset

from mmcion.registry import DATASETS
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError

from .image_reader import image_entry, open_images
from .transforms import build_pipeline


@DATASETS.register_module()
class TrackletDataset(Dataset):
    """Images of a table, for extracting one feature per row.

    Args:
        table: Images. Its ``image_root`` may be a folder of images or of tar
            files, or an LMDB.
        pipeline: Transforms; they receive what ``image_entry`` returns.
    """

    def __init__(
        self, table: TrackletTable, pipeline: Sequence[dict[str, Any]]
    ) -> None:
        if table.path is None:
            raise UserError('features need a table with image paths.')
        self.table = table
        self.paths = table.path
        self.images = open_images(table.image_root)
        self.pipeline = build_pipeline(pipeline)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return the transformed image of a row."""
        path = os.fsdecode(self.paths[row])
        return self.pipeline(image_entry(self.images, path))
