"""IdentityDataset: the images and identities of pre-training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from torch.utils.data import Dataset

from mmcion.registry import DATASETS
from mmcion.structures import AnnotationTable


@DATASETS.register_module()
class IdentityDataset(Dataset):
    """Images of an annotation, as columns rather than a list of dicts.

    Columns are memory-mapped: millions of rows open at once and worker
    processes share them.

    Args:
        ann_file: folder of an ``AnnotationTable`` or a CION annotation JSON.
        data_root: folder that the annotation's paths are relative to.
        pipeline: transforms; they receive ``img_path``, ``pid``, ``cam_id``.

    Attributes:
        pids: ``(N,)`` int32 identities, for the sampler.

    Raises:
        ValueError: if the annotation is empty.
        FileNotFoundError: if the annotation or its first image is missing.
    """

    def __init__(
        self,
        ann_file: str | Path,
        data_root: str | Path,
        pipeline: Sequence[dict[str, Any]],
    ) -> None:
        self.annotation = AnnotationTable.load(ann_file)
        self.data_root = Path(data_root)
        self.pipeline = Compose(pipeline)
        if not len(self.annotation):
            raise ValueError(f'{ann_file} has no images.')
        first = self._path(0)
        if not first.is_file():
            raise FileNotFoundError(
                f'the first image of {ann_file} is not at {first}: set '
                f'data_root, now {self.data_root}, to the folder that the '
                f'paths are relative to.'
            )

    @property
    def pids(self) -> np.ndarray:
        """Identity of every row."""
        return self.annotation.pid

    @property
    def metainfo(self) -> dict[str, Any]:
        """Counts, for mmengine's logs."""
        return {
            'num_images': len(self),
            'num_identities': int(self.pids.max()) + 1,
        }

    def __len__(self) -> int:
        return len(self.annotation)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return the transformed image of a row."""
        return self.pipeline(
            {
                'img_path': str(self._path(row)),
                'pid': int(self.annotation.pid[row]),
                'cam_id': int(self.annotation.cam_id[row]),
            }
        )

    def _path(self, row: int) -> Path:
        return self.data_root / self.annotation.path[row].decode()
