"""IdentityDataset: the images and identities of pre-training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmcion.registry import DATASETS
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError

from .broken_images import BrokenImages
from .image_reader import UnreadableImageError, open_images
from .samplers import seed_transforms
from .transforms import build_pipeline

_NUM_CHECKED = 5  # images that are looked for at the start


@DATASETS.register_module()
class IdentityDataset(Dataset):
    """Images of an annotation, as columns rather than a list of dicts.

    Columns are memory-mapped: millions of rows open at once and worker
    processes share them. The transforms of a ``Draw`` are seeded by it.

    Args:
        ann_file: Folder of an ``AnnotationTable`` or a CION annotation JSON.
        data_root: Folder that the paths are relative to, an LMDB whose keys
            they are, or a folder of indexed tar files. None for what the
            annotation states, as that of ``tools/denoise.py`` does.
        pipeline: Transforms; they receive ``img_path``, ``pid``, ``cam_id``.
        max_broken: Number of images that each worker may find missing or
            undecodable: the identity's next readable image takes their
            place, which is logged. A few in millions need not end a run of
            days; 0 ends it at the first.

    Attributes:
        pids: ``(N,)`` int32 identities.
        cam_ids: ``(N,)`` int32 cameras or videos.

    Raises:
        UserError: If the annotation is empty.
        FileNotFoundError: If the annotation is missing, or all of a few
            images that are looked for.
    """

    def __init__(
        self,
        ann_file: str | Path,
        data_root: str | Path | None = None,
        pipeline: Sequence[dict[str, Any]] = (),
        max_broken: int = 10,
    ) -> None:
        self.annotation = AnnotationTable.load(ann_file)
        if data_root is None:
            data_root = self.annotation.image_root
        self.images = open_images(data_root)
        self.pipeline = build_pipeline(pipeline)
        self.broken = BrokenImages(max_broken)
        self.pids: np.ndarray = self.annotation.pid
        self.cam_ids: np.ndarray = self.annotation.cam_id
        if not len(self):
            raise UserError(f'{ann_file} has no images.')
        # a wrong root has none of a few images spread over the rows
        errors = []
        for row in np.linspace(0, len(self) - 1, _NUM_CHECKED, dtype=int):
            try:
                self.images.read(self._path(row))
                break
            except OSError as error:
                errors.append(error)
        else:
            raise FileNotFoundError(
                f'the first image of {ann_file}, {self._path(0)}, cannot be '
                f'read, nor can others: set data_root, now {data_root}, to '
                f'the folder that the paths are relative to ({errors[0]}).'
            ) from errors[0]

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
        """Return the transformed image of a row.

        Raises:
            UnreadableImageError: If more than ``max_broken`` images are
                broken, or all of an identity.
        """
        seed_transforms(row)
        for candidate in self._candidates(int(row)):
            if candidate in self.broken:
                continue
            try:
                return self._load(candidate)
            except (UnreadableImageError, FileNotFoundError) as error:
                self.broken.add(candidate, error)
        pid = int(self.pids[row])
        rows = np.flatnonzero(self.pids == pid).tolist()
        raise self.broken.no_image_left(pid, rows)

    def _candidates(self, row: int) -> Iterator[int]:
        """Yield a row, then the others of its identity, from it on."""
        yield row
        # only for a broken image: this looks at all rows
        rows = np.flatnonzero(self.pids == self.pids[row])
        place = int(np.searchsorted(rows, row))
        yield from np.roll(rows, -place).tolist()[1:]

    def _load(self, row: int) -> dict[str, Any]:
        return self.pipeline(
            {
                **self.images.entry(self._path(row)),
                'pid': int(self.pids[row]),
                'cam_id': int(self.cam_ids[row]),
            }
        )

    def _path(self, row: int) -> str:
        return self.annotation.path[row].decode()
