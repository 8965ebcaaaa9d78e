"""IdentitySampler: P identities times K images in every batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmcion.registry import DATA_SAMPLERS

from .draw import Draw
from .image_groups import (
    count_groups,
    draw_balanced_groups,
    draw_groups,
    draw_published_groups,
    place_in_run,
)


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
    so nothing is communicated, and resuming at an epoch, or within one,
    continues the stream. ``len`` is the same for every K, since all schedules
    hang on it. Source: CION's identity sampler, its padding and its uneven
    shards mended (ours).

    An identity with more groups than a pass has batches cannot appear in
    all of them; the rest of its groups wait for other passes.

    Args:
        dataset: its ``pids`` ``(N,)`` are the identities, its ``cam_ids``
            ``(N,)`` the cameras or videos, where these are balanced.
        batch_size: B = P x K images a rank; equal to the data loader's.
        num_instances: K.
        seed: of the order.
        compat_padding: fill identities up as the published code does: fewer
            groups, which may hold an image twice, and some images left out.
        balance_cameras: fill every group from as many cameras as its
            identity has, or K if that is less. Images of cameras with few
            come more often then.

    Raises:
        ValueError: if K does not divide B, there are fewer identities than
            the batches of all ranks need, the dataset has no ``cam_ids`` to
            balance, or both of the last two options are on.
    """

    def __init__(
        self,
        dataset: HasPids,
        batch_size: int,
        num_instances: int,
        seed: int | None = 0,
        *,
        compat_padding: bool = False,
        balance_cameras: bool = False,
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        self.batch_size = batch_size
        self.seed = seed or 0
        self.epoch = 0
        self.compat_padding = compat_padding
        self.balance_cameras = balance_cameras
        self._dataset = dataset
        self._skipped = 0
        pids = np.asarray(dataset.pids)
        if balance_cameras:
            self._sort_by_camera(pids)
        else:
            self._rows = np.argsort(pids, kind='stable')
        # half the memory to reach into at random
        self._rows = self._rows.astype(np.min_scalar_type(-len(pids)))
        self._pid, self._count = np.unique(pids, return_counts=True)
        self.set_num_instances(num_instances)

    def _sort_by_camera(self, pids: np.ndarray) -> None:
        cam_ids = getattr(self._dataset, 'cam_ids', None)
        if self.compat_padding:
            raise ValueError(
                'compat_padding and balance_cameras exclude each other: the '
                'published code does not look at cameras.'
            )
        if cam_ids is None or len(cam_ids) != len(pids):
            found = 'none' if cam_ids is None else len(cam_ids)
            raise ValueError(
                f'balance_cameras needs one of dataset.cam_ids for each of '
                f'{len(pids)} pids; found {found}.'
            )
        self._rows = np.lexsort((cam_ids, pids))
        pid, cam_id = pids[self._rows], np.asarray(cam_ids)[self._rows]
        new_pid = np.diff(pid, prepend=pid[0] - 1) != 0
        new_pair = new_pid | (np.diff(cam_id, prepend=cam_id[0]) != 0)
        starts = np.flatnonzero(new_pair)
        self._camera_count = np.diff(starts, append=len(pid))
        owner = np.cumsum(new_pid)[starts] - 1
        self._num_cameras = np.bincount(owner)

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
        self._skipped = 0
        if hasattr(self._dataset, 'set_epoch'):
            self._dataset.set_epoch(epoch)

    def skip(self, num_samples: int) -> None:
        """Leave out the first samples of the epoch, as after a resume.

        ``len`` stays that of the whole epoch, and ``set_epoch`` ends it.

        Args:
            num_samples: of this rank, counted from the epoch's first; whole
                batches.

        Raises:
            ValueError: if these are not whole batches of the epoch.
        """
        if num_samples % self.batch_size or not 0 <= num_samples <= len(self):
            raise ValueError(
                f'num_samples ({num_samples}) must be a multiple of '
                f'batch_size ({self.batch_size}) in [0, {len(self)}].'
            )
        self._skipped = num_samples // self.batch_size

    @property
    def num_batches(self) -> int:
        """Batches of an epoch: enough for N images over all ranks."""
        rows = int(self._count.sum())
        return -(-rows // (self.batch_size * self.world_size))

    def __len__(self) -> int:
        return self.num_batches * self.batch_size

    def __iter__(self) -> Iterator[Draw]:
        plan = self.plan()
        positions = np.arange(plan.size).reshape(plan.shape)
        mine = np.s_[self._skipped :, self.rank :: self.world_size]
        for batch in zip(plan[mine], positions[mine], strict=True):
            columns = (column.ravel().tolist() for column in batch)
            for row, position in zip(*columns, strict=True):
                yield Draw(row, position, self.epoch, self.seed)

    def plan(self) -> np.ndarray:
        """Return the epoch of all ranks, ``(num_batches, P x ranks, K)``.

        Group g of a batch is of rank g mod ranks.
        """
        begin = self.epoch * self.num_batches
        end = begin + self.num_batches
        parts = []
        while begin < end:
            number, offset = divmod(begin, self._batches_per_pass())
            parts.append(self._pass(number)[offset : offset + end - begin])
            begin += len(parts[-1])
        return np.concatenate(parts)

    def _groups_per_identity(self) -> np.ndarray:
        return count_groups(
            self._count,
            self.num_instances,
            compat_padding=self.compat_padding,
        )

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
        order = rng.permutation(len(groups))
        identity = np.repeat(order, groups[order])
        nth = place_in_run(groups[order])
        per_batch = self.batch_size // self.num_instances * self.world_size
        spare = len(identity) - batches * per_batch
        stays = np.ones(len(identity), bool)
        stays[rng.choice(len(identity), spare, replace=False)] = False
        rows = self._draw(rng, (identity[stays], nth[stays]))
        # an identity's groups stand together and are no more than there are
        # batches, so dealing them like cards never gives one batch two
        place = np.arange(per_batch) * batches
        return rows.take(rng.permutation(batches)[:, None] + place, axis=0)

    def _draw(
        self, rng: np.random.Generator, groups: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        arguments = (rng, self._rows, self._count, groups, self.num_instances)
        if self.balance_cameras:
            return draw_balanced_groups(
                *arguments, self._camera_count, self._num_cameras
            )
        if self.compat_padding:
            return draw_published_groups(*arguments)
        return draw_groups(*arguments)
