"""HoldOutReID: part of a training split, to select a model on."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Any

from mmcion.registry import DATASETS
from mmcion.utils.checks import check_choice, check_interval

from .base_reid_dataset import BaseReIDDataset
from .query_draw import draw_queries
from .reid_image import ReIDImage


@DATASETS.register_module()
class HoldOutReID(BaseReIDDataset):
    """Training images of a data set, divided by identity.

    ``train`` has all but the identities that are held out, ``test`` queries
    and gallery of those, ``all`` both, to train on. So the best epoch can be
    selected without the images that it is evaluated on in the end.

    Args:
        dataset: Config of a data set with ``data_root``. Its ``split`` is
            ``'train'`` if not given; with ``'all'`` the images of its test
            are divided, too, for a test on another set.
        split: ``'train'``, ``'test'`` or ``'all'``.
        hold_out: Fraction of the identities that is held out, in [0, 1).
        seed: Seed of their draw.
        query_cams: Cameras whose images are queries, while the others are the
            gallery, as for visible and infrared images; None to draw queries
            of every camera.
        kwargs: See ``BaseReIDDataset``.
    """

    def __init__(
        self,
        dataset: dict[str, Any],
        split: str = 'test',
        *,
        hold_out: float = 0.1,
        seed: int = 0,
        query_cams: Collection[int] | None = None,
        **kwargs: Any,
    ) -> None:
        check_interval('[0, 1)', hold_out=hold_out)
        dataset = {'split': 'train', **dataset}
        check_choice('dataset.split', dataset['split'], ('train', 'all'))
        self.whole: Any = DATASETS.build({**dataset, 'lazy_init': True})
        self.ignored_cams = self.whole.ignored_cams
        self.hold_out = hold_out
        self.seed = seed
        self.query_cams = query_cams
        super().__init__(dataset['data_root'], split, **kwargs)

    @property
    def title(self) -> str:
        """Name of the whole set, and what is held out."""
        return f'{self.whole.title}, {self.hold_out:g} held out'

    @property
    def source(self) -> str:
        """Where the set comes from, for messages."""
        return f'{self.hold_out:g} of {self.whole.source}, {self.split}'

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read and divide the training images."""
        images = self.whole.training_images()
        self.version = self.whole.version
        pids = sorted({image.pid for image in images})
        count = round(self.hold_out * len(pids))
        held = set(random.Random(self.seed).sample(pids, count))
        if self.split == 'train':
            return {'train': [i for i in images if i.pid not in held]}
        images = [image for image in images if image.pid in held]
        if self.query_cams is None:
            return draw_queries(images, self.seed)
        return {
            'query': [i for i in images if i.cam_id in self.query_cams],
            'gallery': [i for i in images if i.cam_id not in self.query_cams],
        }
