"""ImageSampler: batches of images, whatever their identities."""

from __future__ import annotations

from collections.abc import Sized

import numpy as np
from mmengine.dataset import DefaultSampler

from mmcion.registry import DATA_SAMPLERS
from mmcion.utils.checks import UserError

from .planned_sampler import PlannedSampler


@DATA_SAMPLERS.register_module()
class ImageSampler(PlannedSampler):
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
        super().__init__(sampler, batch_size)
        dataset: Sized = sampler.dataset
        self._num_images = len(dataset)
        if not len(self):
            raise UserError(
                f'batch_size ({batch_size}) x {sampler.world_size} ranks '
                f'needs more than {self._num_images} images.'
            )

    def __len__(self) -> int:
        """Return the number of whole batches, per rank."""
        return self._num_images // (self.batch_size * self.sampler.world_size)

    def plan(self) -> np.ndarray:
        """Return the epoch of all W ranks, ``(batches, B W, 1)`` rows."""
        rng = np.random.default_rng((self.sampler.seed, self.sampler.epoch))
        shape = len(self), self.batch_size * self.sampler.world_size, 1
        rows = rng.permutation(self._num_images)[: shape[0] * shape[1]]
        return rows.reshape(shape)
