"""IdentityDataset: the images and identities of pre-training."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmcion.registry import DATASETS
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError, check_at_least
from mmcion.utils.image_file import UnreadableImageError

from .image_reader import image_entry, open_images
from .samplers import seed_transforms
from .transforms import build_pipeline

_NUM_CHECKED = 600  # images that are looked for at the start
_NUM_LISTED = 20  # broken images that an error lists


@DATASETS.register_module()
class IdentityDataset(Dataset):
    """Images of an annotation, as columns rather than a list of dicts.

    Columns are memory-mapped: millions of rows open at once and worker
    processes share them. A ``Draw`` seeds its transforms.

    An image that is missing or undecodable is logged, and the identity's next
    readable image takes its place: a few broken images in millions need not
    end a run of days.

    Args:
        ann_file: Folder of an ``AnnotationTable`` or a CION annotation JSON.
        data_root: Folder of the paths, an LMDB whose keys they are, or a
            folder of indexed tar files; None for that of the annotation.
        pipeline: Transforms; they receive ``img_path``, ``pid``, ``cam_id``.
        max_broken: Largest number of broken images per worker process.

    Attributes:
        pids: ``(N,)`` int32 identities.
        cam_ids: ``(N,)`` int32 cameras or videos.
        broken: Reason by row of the broken images that this process found.

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
        check_at_least(0, max_broken=max_broken)
        self.annotation = AnnotationTable.load(ann_file)
        if data_root is None:
            data_root = self.annotation.image_root
        self.images = open_images(data_root)
        self.pipeline = build_pipeline(pipeline)
        self.max_broken = max_broken
        self.broken: dict[int, str] = {}
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
        for candidate in self._candidates(int(row)):
            if candidate in self.broken:
                continue
            try:
                entry = image_entry(self.images, self._path(candidate))
                entry['pid'] = int(self.pids[candidate])
                entry['cam_id'] = int(self.cam_ids[candidate])
                return self.pipeline(entry)
            except UnreadableImageError as error:
                self._add_broken(candidate, error)
        pid = int(self.pids[row])
        rows = np.flatnonzero(self.pids == pid).tolist()
        listed = self._list_broken(rows)
        raise UnreadableImageError(
            f'all images of identity {pid} are broken:\n{listed}'
        )

    def _candidates(self, row: int) -> Iterator[int]:
        """Yield a row, then the others of its identity, from it on."""
        yield row
        # only for a broken image: this looks at all rows
        rows = np.flatnonzero(self.pids == self.pids[row])
        place = int(np.searchsorted(rows, row))
        yield from np.roll(rows, -place).tolist()[1:]

    def _add_broken(self, row: int, error: Exception) -> None:
        """Log a broken image; raise if there are too many of them."""
        self.broken[row] = str(error)
        count = len(self.broken)
        if count > self.max_broken:
            raise UnreadableImageError(
                f'more than max_broken ({self.max_broken}) broken images in '
                f'one worker:\n{self._list_broken(list(self.broken))}'
            ) from error
        # mmengine logs this level on all ranks
        print_log(
            f'broken image {count} of at most {self.max_broken} in this '
            f'worker, another of its identity takes its place: {error}',
            'current',
            logging.ERROR,
        )

    def _list_broken(self, rows: list[int]) -> str:
        lines = [f'row {row}: {self.broken[row]}' for row in rows]
        if len(lines) > _NUM_LISTED:
            lines[_NUM_LISTED:] = [f'and {len(lines) - _NUM_LISTED} more']
        return '\n'.join(lines)

    def _path(self, row: int) -> str:
        return os.fsdecode(self.annotation.path[row])
