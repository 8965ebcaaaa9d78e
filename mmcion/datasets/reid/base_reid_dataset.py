"""BaseReIDDataset: the train or test split of a ReID data set."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmcion.utils.checks import UserError, check_choice

from ..broken_images import BrokenImages
from ..samplers import seed_transforms
from .archive import find_archive
from .few_shot import keep_listed
from .matches import report_matches
from .published_counts import compare_counts
from .reid_image import JUNK, ReIDImage, first_images

SPLITS = ('train', 'test', 'all')
TEST_PARTS = ('query', 'gallery')


class BaseReIDDataset(BaseDataset):
    """Labels and checks of all ReID data sets; a subclass reads the images.

    - ``train``: identities are renumbered to 0..P-1 in their order; junk is
      dropped.
    - ``all``: the same of all images, those of the test too, for training
      that is tested on other sets. Identities of training and test are
      different ones; those of the background are dropped.
    - ``test``: queries and gallery in one data set, distinguished by
      ``is_query``. Identities keep their numbers, junk is -1. The number of
      queries with a valid match is logged.

    Counts are compared with the published ones. A missing file raises
    ``FileNotFoundError``, one of the wrong form ``UserError``.

    Attributes:
        archives: Names of the archive's own folder, as found in the wild.
        hint: How to get the data, for errors.
        background: Identities of the test that are no persons.
        unit: What queries and gallery consist of: images or tracklets.
        ignored_cams: Gallery cameras that are ignored for a query's identity,
            by its camera; None if that is the query's own.
        version: Version of the set that was found; None if there is one.

    Args:
        data_root: Folder of the images, or one above it.
        split: ``'train'``, ``'test'``, or ``'all'`` to train on both.
        few_shot: List of the identities or images to train on, in the form of
            ``used_ids_0.10.txt`` or ``used_ims_0.10.txt``; None for all.
        max_broken: See ``BrokenImages``; of the training split only, because
            another image would change a test.
        kwargs: Options of mmengine's ``BaseDataset``, such as ``pipeline``.
    """

    archives: ClassVar[tuple[str, ...]] = ()
    hint: ClassVar[str] = ''
    background: ClassVar[Collection[int]] = ()
    unit: ClassVar[str] = 'images'
    ignored_cams: Mapping[int, Collection[int]] | None = None
    version: str | None = None

    def __init__(
        self,
        data_root: str | Path,
        split: str = 'test',
        *,
        few_shot: str | Path | None = None,
        max_broken: int = 10,
        **kwargs: Any,
    ) -> None:
        check_choice('split', split, SPLITS)
        self.broken = BrokenImages(max_broken)
        if few_shot is not None and split != 'train':
            raise UserError(f'few_shot is for split train; got {split}.')
        self.split = split
        self.few_shot = few_shot
        # labels as columns, and the rows of mmengine that they belong to
        self._columns: tuple[Any, dict[str, np.ndarray]] = None, {}
        # reads at once, unless lazy_init=True
        super().__init__(ann_file='', data_root=str(data_root), **kwargs)

    @property
    def title(self) -> str:
        """Name of the set, for messages and for its published counts."""
        return type(self).__name__

    @property
    def source(self) -> str:
        """Where the set comes from, for messages."""
        return f'{self.title} in {self.data_root}'

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the split."""
        return ('train',) if self.split == 'train' else TEST_PARTS

    @abstractmethod
    def read(self) -> dict[str, list[ReIDImage]]:
        """Return images by part: ``train``, or ``query`` and ``gallery``."""

    def find(self, *layouts: Sequence[str]) -> tuple[Path, int]:
        """Return the unpacked folder and which of the layouts it has."""
        return find_archive(self.data_root, self.archives, layouts, self.hint)

    @property
    def pids(self) -> np.ndarray:
        """``(N,)`` identities, for the sampler."""
        return self._column('pid')

    @property
    def cam_ids(self) -> np.ndarray:
        """``(N,)`` cameras."""
        return self._column('cam_id')

    @property
    def is_query(self) -> np.ndarray:
        """``(N,)`` bool, whether an image is a query."""
        return self._column('is_query')

    def _serialize_data(self) -> tuple[np.ndarray, np.ndarray]:
        """Keep the labels as columns too: rows are slow to unpack."""
        columns = {
            key: np.array([info[key] for info in self.data_list])
            for key in ('pid', 'cam_id', 'is_query')
        }
        packed = super()._serialize_data()
        self._columns = packed[1], columns
        return packed

    def _column(self, key: str) -> np.ndarray:
        """Return a label of all rows."""
        self.full_init()
        packed, columns = self._columns
        # mmengine's subsets have other rows
        if packed is not None and packed is self.data_address:
            return columns[key]
        rows = range(len(self))
        return np.array([self.get_data_info(row)[key] for row in rows])

    def prepare_data(self, idx: int) -> Any:
        """Return the transformed item; a ``Draw`` seeds its transforms."""
        seed_transforms(idx)
        if self.split == 'test':
            return super().prepare_data(idx)
        return self.broken.load(
            int(idx), super().prepare_data, lambda: self.pids
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read and check the split."""
        if self.split != 'test':
            return _training_rows(self.training_images())
        parts = self._read_checked()
        # distractors and other parts belong to the gallery
        queries = parts.pop('query')
        gallery = [image for images in parts.values() for image in images]
        q, g = map(first_images, (queries, gallery))
        report_matches(self.source, q, g, self.unit, self.ignored_cams)
        return [
            *(image.to_dict(is_query=True) for image in queries),
            *(image.to_dict() for image in gallery),
        ]

    def training_images(self) -> list[ReIDImage]:
        """Read the images of ``train`` or ``all``, without junk."""
        if self.split == 'all':
            return self._read_all()
        images = self._read_checked()['train']
        if self.few_shot is not None:
            images = keep_listed(images, self.few_shot)
            print_log(f'{self.few_shot}: {len(images)} images', 'current')
        return [image for image in images if image.pid != JUNK]

    def _read_checked(self) -> dict[str, list[ReIDImage]]:
        """Read a split, and compare it with its published counts."""
        parts = self.read()
        if not any(parts.values()):
            raise UserError(f'{self.source} has no images of {self.split}.')
        for name, images in parts.items():
            found = first_images(images)
            compare_counts(self.title, name, found, self.data_root, self.unit)
        return parts

    def _read_all(self) -> list[ReIDImage]:
        """Read training and test; their identities are different ones."""
        images: list[ReIDImage] = []
        for split in ('train', 'test'):
            self.split = split
            parts = self.read().values()
            first = max((image.pid for image in images), default=-1) + 1
            dropped = {JUNK, *(self.background if split == 'test' else ())}
            images += [
                image._replace(pid=image.pid + first)
                for part in parts
                for image in part
                if image.pid not in dropped
            ]
        self.split = 'all'
        return images


def _training_rows(images: Sequence[ReIDImage]) -> list[dict[str, Any]]:
    """Renumber identities to 0..P-1."""
    # sorted, so that labels do not depend on the order of files
    pids = sorted({image.pid for image in images})
    label = {pid: number for number, pid in enumerate(pids)}
    return [image._replace(pid=label[image.pid]).to_dict() for image in images]
