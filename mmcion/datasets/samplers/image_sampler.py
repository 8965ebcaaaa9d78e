"""ImageSampler: batches of images, whatever their identities."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import Sampler

from mmcion.registry import DATA_SAMPLERS
from mmcion.utils.checks import UserError, check_at_least

from .draw import Draw


@DATA_SAMPLERS.register_module()
class ImageSampler(Sampler[list[Draw]]):
    """Draw batches of images in random order, each image once an epoch.

    For methods without identities, and those that sample without regard to
    them. Images that fill no batch of all ranks are left out, others every
    epoch. The order depends on (seed, epoch) alone, and image i of a batch
    of all W ranks is of rank i mod W. Resuming within an epoch continues it.

    In a config it needs neither data set nor batch size; see
    ``IdentitySampler``.

    Args:
        sampler: Sampler of the data set, whose seed, epoch and rank are used,
            but not its order.
        batch_size: Number of images per rank.
    """

    def __init__(self, sampler: DefaultSampler, batch_size: int) -> None:
        check_at_least(1, batch_size=batch_size)
        self.sampler = sampler
        self.batch_size = batch_size
        self._num_skipped = 0
        dataset: Sized = sampler.dataset
        self._num_images = len(dataset)
        if not len(self):
            raise UserError(
                f'batch_size ({batch_size}) x {sampler.world_size} ranks '
                f'needs more than {self._num_images} images.'
            )

    def skip(self, num_batches: int) -> None:
        """Leave out the first batches of the next iteration on each rank."""
        self._num_skipped = num_batches

    def __len__(self) -> int:
        """Return the number of whole batches, per rank."""
        return self._num_images // (self.batch_size * self.sampler.world_size)

    def __iter__(self) -> Iterator[list[Draw]]:
        skipped, self._num_skipped = self._num_skipped, 0
        seed, epoch = self.sampler.seed, self.sampler.epoch
        ranks = self.sampler.world_size
        rng = np.random.default_rng((seed, epoch))
        count = len(self) * self.batch_size * ranks
        rows: Any = rng.permutation(self._num_images)[:count]
        places = np.arange(count)
        # (batches, B, ranks) -> (batches left, B) of this rank
        shape = len(self), self.batch_size, ranks
        mine = np.s_[skipped:, :, self.sampler.rank]
        rows, places = (x.reshape(shape)[mine] for x in (rows, places))
        for batch in zip(rows.tolist(), places.tolist(), strict=True):
            draws = zip(*batch, strict=True)
            yield [Draw(row, (seed, epoch, place)) for row, place in draws]
