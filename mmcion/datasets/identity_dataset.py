"""IdentityDataset: the images and identities of pre-training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmcion.registry import DATASETS
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError
from mmcion.utils.image_file import UnreadableImageError

from .broken_images import BrokenImages
from .image_reader import image_entry, open_images
from .samplers import seed_transforms
from .transforms import build_pipeline

_NUM_CHECKED = 600  # images that are looked for at the start


@DATASETS.register_module()
class IdentityDataset(Dataset):
    """Images of an annotation, as columns rather than a list of dicts.

    Columns are memory-mapped: millions of rows open at once and worker
    processes share them. A ``Draw`` seeds its transforms.

    An image that is missing or undecodable is logged, and the identity's next
    readable image takes its place.

    Args:
        ann_file: Folder of an ``AnnotationTable`` or a CION annotation JSON.
        data_root: Folder of the paths, an LMDB whose keys they are, or a
            folder of indexed tar files; None for that of the annotation.
        pipeline: Transforms; they receive ``img_path``, ``pid``, ``cam_id``.
        max_broken: See ``BrokenImages``.

    Attributes:
        pids: ``(N,)`` int32 identities.
        cam_ids: ``(N,)`` int32 cameras or videos.
        broken: Broken images that this process found.

    Raises:
        UserError: If the annotation is empty.
        FileNotFoundError: If the annotation or a sample of images is missing.
    """

    def __init__(
        self,
        ann_file: str | Path,
        data_root: str | Path | None = None,
        pipeline: Sequence[dict[str, Any]] = (),
        max_broken: int = 10,
    ) -> None:
        self.broken = BrokenImages(max_broken)
        self.annotation = AnnotationTable.load(ann_file)
        if data_root is None:
            data_root = self.annotation.image_root
        self.images = open_images(data_root)
        self.pipeline = build_pipeline(pipeline)
        self.pids: np.ndarray = self.annotation.pid
        self.cam_ids: np.ndarray = self.annotation.cam_id
        if not len(self):
            junk = f'{self.annotation.num_junk} images of negative ids'
            raise UserError(f'{ann_file} has no identity, but {junk}.')
        # a wrong root has none of the images that are spread over the rows
        errors = []
        num_checked = min(_NUM_CHECKED, len(self))
        for row in np.linspace(0, len(self) - 1, num_checked, dtype=int):
            try:
                self.images.read(self._path(row))
                break
            except UnreadableImageError as error:
                errors.append(error)
        else:
            raise FileNotFoundError(
                f'none of {len(errors)} sampled images of {ann_file} is in '
                f'data_root ({data_root}): {errors[0]}.'
            ) from errors[0]

    @property
    def metainfo(self) -> dict[str, Any]:
        """Counts, for mmengine's logs."""
        num_pids = int(self.pids.max()) + 1
        return {'num_images': len(self), 'num_identities': num_pids}

    def __len__(self) -> int:
        return len(self.annotation)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return the transformed image of a row.

        Raises:
            UnreadableImageError: If too many images are broken.
        """
        seed_transforms(row)
        return self.broken.load(int(row), self._load, lambda: self.pids)

    def _load(self, row: int) -> dict[str, Any]:
        entry = image_entry(self.images, self._path(row))
        entry['pid'] = int(self.pids[row])
        entry['cam_id'] = int(self.cam_ids[row])
        return self.pipeline(entry)

    def _path(self, row: int) -> str:
        return os.fsdecode(self.annotation.path[row])
