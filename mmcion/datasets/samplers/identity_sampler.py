"""IdentitySampler: P identities times K images in every batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmcion.registry import DATA_SAMPLERS


class HasPids(Protocol):
    """A dataset that knows the identity of every row."""

    pids: np.ndarray

    def __len__(self) -> int: ...


@DATA_SAMPLERS.register_module()
class IdentitySampler(Sampler[int]):
    """Draw batches of P different identities with K images each.

    A pass shuffles every identity's images and cuts them into groups of K;
    the last group is filled up with other images of the identity (repeats,
    if it has fewer than K). Groups are dealt to the batches of all ranks so
    that no identity comes twice in one. Epochs are slices of an endless
    stream of passes: what one leaves out comes first in the next.

    The order depends on (seed, epoch, K) alone and every rank computes it,
    so nothing is communicated, and resuming at an epoch continues the
    stream. ``len`` is the same for every K, since all schedules hang on it.
    Source: CION's identity sampler, its padding and its uneven shards
    mended (ours).

    An identity with more groups than a pass has batches cannot appear in
    all of them; the rest of its groups wait for other passes.

    Args:
        dataset: its ``pids`` ``(N,)`` are the identities.
        batch_size: B = P x K images a rank; equal to the data loader's.
        num_instances: K.
        seed: of the order.

    Raises:
        ValueError: if K does not divide B, or there are fewer identities
            than the batches of all ranks need.
    """

    def __init__(
        self,
        dataset: HasPids,
        batch_size: int,
        num_instances: int,
        seed: int | None = 0,
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        self.batch_size = batch_size
        self.seed = seed or 0
        self.epoch = 0
        self._dataset = dataset
        pids = np.asarray(dataset.pids)
        self._by_identity = np.argsort(pids, kind='stable')
        self._pid, self._count = np.unique(pids, return_counts=True)
        self.set_num_instances(num_instances)

    def set_num_instances(self, num_instances: int) -> None:
        """Change K from the next epoch on.

        Raises:
            ValueError: as in the constructor.
        """
        batch, ranks = self.batch_size, self.world_size
        if num_instances < 1 or batch % num_instances:
            raise ValueError(
                f'batch_size ({batch}) must be a multiple of num_instances '
                f'({num_instances}).'
            )
        needed = batch // num_instances * ranks
        if len(self._pid) < needed:
            raise ValueError(
                f'{len(self._pid)} identities are too few: batch_size '
                f'({batch}) / num_instances ({num_instances}) x {ranks} '
                f'rank(s) needs {needed} different ones in a batch. Lower '
                f'batch_size or raise num_instances.'
            )
        self.num_instances = num_instances

    def set_epoch(self, epoch: int) -> None:
        """Choose the slice of the stream that the next iteration yields.

        A dataset that seeds its transforms by epoch is told as well.
        """
        self.epoch = epoch
        if hasattr(self._dataset, 'set_epoch'):
            self._dataset.set_epoch(epoch)

    @property
    def num_batches(self) -> int:
        """Batches of an epoch: enough for N images over all ranks."""
        rows = int(self._count.sum())
        return -(-rows // (self.batch_size * self.world_size))

    def __len__(self) -> int:
        return self.num_batches * self.batch_size

    def __iter__(self) -> Iterator[int]:
        begin = self.epoch * self.num_batches
        end = begin + self.num_batches
        while begin < end:
            number, offset = divmod(begin, self._batches_per_pass())
            batches = self._pass(number)[offset : offset + end - begin]
            yield from batches[:, self.rank :: self.world_size].ravel()
            begin += len(batches)

    def _groups_per_identity(self) -> np.ndarray:
        return -(-self._count // self.num_instances)

    def _batches_per_pass(self) -> int:
        """Return the most batches that identities fill without repeats.

        n batches need n P groups, and an identity gives at most n: the
        largest n with sum_p min(groups_p, n) >= n P.
        """
        groups = self._groups_per_identity()
        needed = self.batch_size // self.num_instances * self.world_size
        low, high = 1, int(groups.sum()) // needed
        while low < high:
            middle = (low + high + 1) // 2
            if np.minimum(groups, middle).sum() >= middle * needed:
                low = middle
            else:
                high = middle - 1
        return low

    def _pass(self, number: int) -> np.ndarray:
        """Return the groups of a pass, ``(batches, P x ranks, K)`` rows."""
        rng = np.random.default_rng((self.seed, self.num_instances, number))
        batches = self._batches_per_pass()
        groups = np.minimum(self._groups_per_identity(), batches)
        # all groups that take part: whose, and the how-manieth of it
        identity = np.repeat(np.arange(len(groups)), groups)
        nth = np.arange(len(identity)) - np.repeat(
            np.cumsum(groups) - groups, groups
        )
        place = rng.permutation(len(groups))[identity]
        order = np.argsort(place, kind='stable')
        per_batch = self.batch_size // self.num_instances * self.world_size
        chosen = np.sort(rng.permutation(len(order))[: batches * per_batch])
        order = order[chosen]
        # an identity's groups stand together and are no more than there are
        # batches, so dealing them like cards never gives one batch two
        dealt = order.reshape(per_batch, batches).T
        dealt = dealt[rng.permutation(batches)]
        return self._rows(rng, identity[dealt], nth[dealt])

    def _rows(
        self, rng: np.random.Generator, identity: np.ndarray, nth: np.ndarray
    ) -> np.ndarray:
        """Return the rows of groups, ``identity.shape + (K,)``."""
        starts = np.cumsum(self._count) - self._count
        owner = np.repeat(np.arange(len(self._count)), self._count)
        shuffled = self._by_identity[
            np.lexsort((rng.random(len(owner)), owner))
        ]
        slot = nth[..., None] * self.num_instances + np.arange(
            self.num_instances
        )
        slot %= self._count[identity][..., None]
        return shuffled[starts[identity][..., None] + slot]
