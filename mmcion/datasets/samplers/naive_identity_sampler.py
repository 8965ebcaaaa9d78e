"""NaiveIdentitySampler: P identities times K images over all ranks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler

from mmcion.registry import DATA_SAMPLERS
from mmcion.utils.checks import UserError, check_at_least

from .identity_sampler import IdentitySampler


@DATA_SAMPLERS.register_module()
class NaiveIdentitySampler(IdentitySampler):
    """Draw batches as fast-reid's sampler of this name does.

    A batch of all ranks holds P different identities with K images each, one
    identity after the other, of which rank r of W takes the images r, r + W,
    ... An identity deals out its shuffled images K at a time and leaves a
    pass when fewer than K remain; one with fewer than K images draws K with
    replacement. A pass ends when fewer than P identities are left. An epoch
    is as many batches as all images would fill, cut from an endless stream
    of passes; the order depends on (seed, pass, K, P) alone.

    Args:
        sampler: See ``IdentitySampler``.
        batch_size: Number of images per rank. Over all W ranks they are
            P x K, so that an identity may be spread over several.
        num_instances: Number of images K per identity.

    Raises:
        UserError: If the images of all ranks are no multiple of K, or P is 1
            or more than there are identities.
    """

    def __init__(
        self, sampler: DefaultSampler, batch_size: int, num_instances: int
    ) -> None:
        super().__init__(sampler, batch_size, num_instances)

    def set_num_instances(self, num_instances: int) -> None:
        """Change K from the next epoch on; raises as the constructor."""
        check_at_least(1, num_instances=num_instances)
        ranks, given = self.sampler.world_size, len(self._count)
        total = self.batch_size * ranks
        pids_per_batch, rest = divmod(total, num_instances)
        if rest or not 2 <= pids_per_batch <= given:
            raise UserError(
                f'batch_size ({self.batch_size}) x {ranks} ranks must be a '
                f'multiple of num_instances ({num_instances}), for 2 to '
                f'{given} identities, which are all there are.'
            )
        self.num_instances = num_instances
        self.pids_per_batch = pids_per_batch
        self._first: list[int] = [0]  # first batch of each known pass

    def __len__(self) -> int:
        """Return the number of batches that all images fill, at least 1."""
        total = self.batch_size * self.sampler.world_size
        return max(len(self._rows) // total, 1)

    def plan(self) -> np.ndarray:
        """Return the epoch of all ranks, ``(batches, P K, 1)`` rows.

        Image i of a batch is of rank i mod W.
        """
        begin = self.sampler.epoch * len(self)
        end = begin + len(self)
        # passes have different lengths; those of earlier epochs are known
        passes: dict[int, Any] = {}
        while self._first[-1] < end:
            number = len(self._first) - 1
            passes[number] = self._pass(number)
            self._first.append(self._first[-1] + len(passes[number]))
        parts = []
        for number, (first, last) in enumerate(pairwise(self._first)):
            if last > begin and first < end:
                rows = passes.get(number)
                rows = self._pass(number) if rows is None else rows
                parts.append(rows[max(begin - first, 0) : end - first])
        return np.concatenate(parts)[:, :, None]

    def _pass(self, number: int) -> np.ndarray:
        """Return the batches of a pass, ``(batches, P K)`` rows."""
        k, per_batch = self.num_instances, self.pids_per_batch
        rng = np.random.default_rng((self.sampler.seed, k, per_batch, number))
        # what each identity deals out: shuffled runs of K of its images
        queues = [
            rng.choice(rows, k)[None]
            if len(rows) < k
            else rng.permutation(rows)[: len(rows) // k * k].reshape(-1, k)
            for rows in np.split(self._rows, np.cumsum(self._count)[:-1])
        ]
        left = np.array([len(queue) for queue in queues])
        pool = np.arange(len(queues))
        batches = []
        while len(pool) >= per_batch:
            chosen = rng.choice(pool, per_batch, replace=False)
            # P runs of K -> (P K,)
            batch = [queues[pid][-left[pid]] for pid in chosen]
            batches.append(np.concatenate(batch))
            left[chosen] -= 1
            pool = pool[left[pool] > 0]
        return np.array(batches)
