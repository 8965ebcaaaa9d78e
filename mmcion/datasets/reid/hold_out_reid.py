"""HoldOutReID: part of a training split, to select a model on."""

from __future__ import annotations

import random
from typing import Any

from mmcion.registry import DATASETS
from mmcion.utils.checks import check_interval

from .base_reid_dataset import BaseReIDDataset
from .query_draw import draw_queries
from .reid_image import JUNK, ReIDImage


@DATASETS.register_module()
class HoldOutReID(BaseReIDDataset):
    """Training images of a data set, divided by identity.

    ``train`` has all but the identities that are held out, ``test`` queries
    and gallery of those. So the best epoch can be selected without the
    images that it is evaluated on in the end.

    Args:
        dataset: Config of a data set with ``data_root``.
        split: ``'train'`` or ``'test'``.
        hold_out: Fraction of the identities that is held out, in [0, 1).
        seed: Seed of their draw.
        kwargs: See ``BaseReIDDataset``.
    """

    def __init__(
        self,
        dataset: dict[str, Any],
        split: str = 'test',
        *,
        hold_out: float = 0.1,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        check_interval('[0, 1)', hold_out=hold_out)
        self.whole: Any = DATASETS.build(
            {**dataset, 'split': 'train', 'lazy_init': True}
        )
        self.hold_out = hold_out
        self.seed = seed
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
        images = [
            image for image in self.whole.read()['train'] if image.pid != JUNK
        ]
        self.version = self.whole.version
        pids = sorted({image.pid for image in images})
        count = round(self.hold_out * len(pids))
        held = set(random.Random(self.seed).sample(pids, count))
        if self.split == 'train':
            return {'train': [i for i in images if i.pid not in held]}
        return draw_queries([i for i in images if i.pid in held], self.seed)
