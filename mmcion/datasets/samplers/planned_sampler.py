"""PlannedSampler: a plan of the epoch, dealt to all ranks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import Sampler

from mmcion.utils.checks import check_at_least

from .draw import Draw


class PlannedSampler(Sampler[list[Draw]], ABC):
    """Yield this rank's part of a plan that every rank computes.

    Nothing is communicated, and an epoch can be continued within: its seeds
    depend on the place in the plan alone.

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

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches of an epoch, per rank."""

    @abstractmethod
    def plan(self) -> np.ndarray:
        """Return the epoch of all W ranks, ``(batches, groups, K)`` rows.

        Group g of a batch is of rank g mod W.
        """

    def skip(self, num_batches: int) -> None:
        """Leave out the first batches of the next iteration on each rank.

        ``len`` stays that of the whole epoch.
        """
        self._num_skipped = num_batches

    def __iter__(self) -> Iterator[list[Draw]]:
        skipped, self._num_skipped = self._num_skipped, 0
        plan = self.plan()
        positions = np.arange(plan.size).reshape(plan.shape)
        # (batches, groups, K) -> (batches left, groups / W, K) of this rank
        mine = np.s_[skipped:, self.sampler.rank :: self.sampler.world_size]
        seed, epoch = self.sampler.seed, self.sampler.epoch
        for rows, places in zip(plan[mine], positions[mine], strict=True):
            # (groups / W, K) -> plain integers
            flat = rows.ravel().tolist(), places.ravel().tolist()
            draws = zip(*flat, strict=True)
            yield [Draw(row, (seed, epoch, place)) for row, place in draws]
