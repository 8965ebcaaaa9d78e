"""IdentityDataset: the images and identities of pre-training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from torch.utils.data import Dataset, get_worker_info

from mmcion.registry import DATASETS
from mmcion.structures import AnnotationTable

from .broken_images import BrokenImages
from .image_reader import UnreadableImageError, open_images
from .samplers import Draw
from .transforms import build_pipeline
from .transforms.seed_transforms import seed_generators

_NUM_LOOKED_FOR = 5


@DATASETS.register_module()
class IdentityDataset(Dataset):
    """Images of an annotation, as columns rather than a list of dicts.

    Columns are memory-mapped: millions of rows open at once and worker
    processes share them. Random numbers of the transforms are seeded by
    (seed, epoch, position of the draw), so that epochs differ and a resumed
    run, with any number of workers, draws what an uninterrupted one would
    have drawn; rows of samplers that yield no ``Draw`` by (seed, rank,
    worker, epoch).

    Args:
        ann_file: folder of an ``AnnotationTable`` or a CION annotation JSON.
        data_root: folder that the annotation's paths are relative to, an
            LMDB whose keys they are, or a folder of indexed tar files.
        pipeline: transforms; they receive ``img_path``, ``pid``, ``cam_id``.
        seed: of the transforms.
        max_broken: so many images may be missing or undecodable, in each
            worker: the identity's next readable row takes their place, which
            is logged. A few in millions need not end a run of days; 0
            ends it at the first.

    Attributes:
        pids: ``(N,)`` int32 identities, for the sampler.

    Raises:
        ValueError: if the annotation is empty.
        FileNotFoundError: if the annotation is missing, or all of a few
            images that are looked for.
    """

    def __init__(
        self,
        ann_file: str | Path,
        data_root: str | Path,
        pipeline: Sequence[dict[str, Any]],
        seed: int = 0,
        max_broken: int = 10,
    ) -> None:
        self.annotation = AnnotationTable.load(ann_file)
        self.images = open_images(data_root)
        self.pipeline = build_pipeline(pipeline)
        self.seed = seed
        self.broken = BrokenImages(max_broken)
        # shared with worker processes, which may outlive an epoch
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._seeded_epoch = -1
        if not len(self.annotation):
            raise ValueError(f'{ann_file} has no images.')
        self._check_root(ann_file, data_root)

    @property
    def pids(self) -> np.ndarray:
        """Identity of every row."""
        return self.annotation.pid

    @property
    def cam_ids(self) -> np.ndarray:
        """Camera or video of every row."""
        return self.annotation.cam_id

    @property
    def metainfo(self) -> dict[str, Any]:
        """Counts, for mmengine's logs."""
        return {
            'num_images': len(self),
            'num_identities': int(self.pids.max()) + 1,
        }

    def set_epoch(self, epoch: int) -> None:
        """Seed the transforms anew; the sampler calls this."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.annotation)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return the transformed image of a row.

        Raises:
            UnreadableImageError: if more than ``max_broken`` images are
                broken, or all of an identity.
        """
        self._seed_transforms(row)
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
        rows = np.flatnonzero(self.pids == self.pids[row])
        place = int(np.searchsorted(rows, row))
        yield from np.roll(rows, -place).tolist()[1:]

    def _load(self, row: int) -> dict[str, Any]:
        return self.pipeline(
            {
                **self.images.entry(self._path(row)),
                'pid': int(self.annotation.pid[row]),
                'cam_id': int(self.annotation.cam_id[row]),
            }
        )

    def _check_root(self, ann_file: str | Path, data_root: str | Path) -> None:
        """Look for a few images: a wrong root has none of them."""
        found: OSError | None = None
        for row in np.linspace(0, len(self) - 1, _NUM_LOOKED_FOR, dtype=int):
            try:
                self.images.read(self._path(row))
                return
            except OSError as error:
                found = found or error
        raise FileNotFoundError(
            f'the first image of {ann_file}, {self._path(0)}, cannot be '
            f'read, nor can others: set data_root, now {data_root}, to the '
            f'folder that the paths are relative to ({found}).'
        ) from found

    def _path(self, row: int) -> str:
        return self.annotation.path[row].decode()

    def _seed_transforms(self, row: int) -> None:
        epoch = int(self._epoch)
        entropy: tuple[int, ...]
        if isinstance(row, Draw):
            entropy = (self.seed, epoch, row.position)
        elif epoch == self._seeded_epoch:
            return
        else:
            worker = get_worker_info()
            place = (get_rank(), worker.id + 1 if worker else 0)
            entropy = (self.seed, *place, epoch)
        self._seeded_epoch = epoch
        seed_generators(entropy)
