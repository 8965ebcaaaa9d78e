"""BaseReIDDataset: the train or test split of a re-identification set."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset

from ..samplers import seed_transforms
from .matches import MARKET_RULE, MatchRule, report_matches
from .published_counts import check_counts
from .reid_image import JUNK, ReIDImage, first_images

SPLITS = ('train', 'test')
TEST_PARTS = ('query', 'gallery')


class BaseReIDDataset(BaseDataset):
    """What all readers share: labels, checks, and items for a pipeline.

    - ``train``: identities are renumbered to 0..P-1 in their order; junk is
      left out.
    - ``test``: queries and gallery in one dataset, told apart by
      ``is_query``; identities are the set's own, so that a metric can ignore
      junk (-1). How many queries have a valid match is logged.

    Counts are compared with the published ones.

    Attributes:
        unit: what queries and gallery consist of: images or tracklets.
        match_rule: which cameras count for a query.

    Args:
        data_root: folder of the images.
        split: ``'train'`` or ``'test'``.
        kwargs: passed on to mmengine's ``BaseDataset``, ``pipeline`` among
            them.

    Raises:
        ValueError: if the split is unknown, or nothing is listed.
    """

    unit: ClassVar[str] = 'images'
    match_rule: ClassVar[MatchRule] = MARKET_RULE

    def __init__(
        self, data_root: str | Path, split: str = 'test', **kwargs: Any
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split must be one of {SPLITS}; got {split!r}.')
        self.split = split
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
        """Return the images by part: ``train``, or ``query`` and others."""

    @property
    def pids(self) -> np.ndarray:
        """``(N,)`` identities, for the sampler."""
        return self._column('pid')

    @property
    def cam_ids(self) -> np.ndarray:
        """``(N,)`` cameras."""
        return self._column('cam_id')

    def _column(self, key: str) -> np.ndarray:
        rows = range(len(self))
        return np.array([self.get_data_info(row)[key] for row in rows])

    def prepare_data(self, idx: int) -> Any:
        """Return the transformed item; a ``Draw`` seeds its transforms."""
        seed_transforms(idx)
        return super().prepare_data(idx)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read and check the split.

        Raises:
            ValueError: if it has no images.
        """
        parts = self.read()
        if not any(parts.values()):
            raise ValueError(f'{self.source} lists no images of {self.split}.')
        for name, images in parts.items():
            units = first_images(images)
            check_counts(self.title, name, units, self.data_root, self.unit)
        if self.split == 'train':
            return self._relabelled(parts['train'])
        gallery = [
            image
            for name, images in parts.items()
            if name != 'query'
            for image in images
        ]
        report_matches(
            self.source,
            first_images(parts['query']),
            first_images(gallery),
            self.unit,
            self.match_rule,
        )
        return [
            _item(image, is_query=is_query)
            for is_query, images in ((True, parts['query']), (False, gallery))
            for image in images
        ]

    def _relabelled(self, images: list[ReIDImage]) -> list[dict[str, Any]]:
        kept = [image for image in images if image.pid != JUNK]
        pids = sorted({image.pid for image in kept})
        label = {pid: number for number, pid in enumerate(pids)}
        return [
            _item(image._replace(pid=label[image.pid]), is_query=False)
            for image in kept
        ]


def _item(image: ReIDImage, *, is_query: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        'img_path': image.path,
        'pid': image.pid,
        'cam_id': image.cam_id,
        'is_query': is_query,
    }
    if image.tracklet_id is not None:
        item['tracklet_id'] = image.tracklet_id
    return item
