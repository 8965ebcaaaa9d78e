"""IdentitySampler: P identities times K images in every batch."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler
from mmengine.logging import print_log

from mmcion.registry import DATA_SAMPLERS
from mmcion.utils.checks import UserError, check_at_least, check_same_length

from . import image_groups
from .planned_sampler import PlannedSampler

_MANY = 0.1  # fraction of identities with one image that is worth a warning


@DATA_SAMPLERS.register_module()
class IdentitySampler(PlannedSampler):
    """Draw batches of P different identities with K images each.

    A pass shuffles every identity's images and cuts them into groups of K;
    the last group is filled up with other images of the identity (repeats,
    if it has fewer than K). Groups are dealt to the batches of all ranks so
    that no identity comes twice in one. Epochs are slices of an endless
    stream of passes: what one leaves out comes first in the next.

    The order depends on (seed, epoch, K) alone and every rank computes it,
    so nothing is communicated, and resuming at an epoch, or within one,
    continues the stream. ``len`` does not depend on K, so that all schedules
    can be built before K changes. Source: CION's identity sampler, with its
    padding and its partitions of unequal size fixed (ours).

    In a config it needs neither data set nor batch size, as mmengine passes
    on those of the data loader::

        train_dataloader = dict(
            batch_size=64,
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='IdentitySampler', num_instances=4),
        )

    Args:
        sampler: Sampler of the data set, whose seed, epoch and rank are used,
            but not its order. The data set has ``pids`` and, to balance
            cameras, ``cam_ids``, ``(N,)`` each.
        batch_size: Number of images B = P x K per rank.
        num_instances: Number of images K per identity. None if a hook sets
            it, such as ``InstanceScheduleHook``.
        compat_padding: Pad identities as the published code does: fewer
            groups, which may hold an image twice, and some images left out.
        balance_cameras: Fill every group from as many cameras as its
            identity has, or K if that is less. Images of cameras with few
            images are drawn more often then.

    Raises:
        UserError: If K does not divide B, or there are fewer identities than
            the batches of all ranks need.
    """

    def __init__(
        self,
        sampler: DefaultSampler,
        batch_size: int,
        num_instances: int | None = None,
        *,
        compat_padding: bool = False,
        balance_cameras: bool = False,
    ) -> None:
        super().__init__(sampler, batch_size)
        self.num_instances: Any = num_instances  # None until a hook sets it
        self.compat_padding = compat_padding
        self.balance_cameras = balance_cameras
        if compat_padding and balance_cameras:
            raise UserError('compat_padding excludes balance_cameras.')
        dataset: Any = sampler.dataset
        pids = np.asarray(dataset.pids)
        # rows of the data set, identity by identity
        if balance_cameras:
            cam_ids = np.asarray(getattr(dataset, 'cam_ids', ()))
            check_same_length(pids=pids, cam_ids=cam_ids)
            rows = self._sort_by_camera(pids, cam_ids)
        else:
            rows = np.argsort(pids, kind='stable')
        # in the smallest type: half the memory to access at random
        self._rows = rows.astype(np.min_scalar_type(-len(pids)))
        self._count = np.unique(pids, return_counts=True)[1]
        if num_instances is not None:
            self.set_num_instances(num_instances)

    def _sort_by_camera(
        self, pids: np.ndarray, cam_ids: np.ndarray
    ) -> np.ndarray:
        """Return rows by identity, then camera; count both."""
        rows = np.lexsort((cam_ids, pids))
        pid, cam_id = pids[rows], cam_ids[rows]
        new_pid = np.diff(pid, prepend=pid[0] - 1) != 0
        new_pair = new_pid | (np.diff(cam_id, prepend=cam_id[0]) != 0)
        starts = np.flatnonzero(new_pair)
        # images of each (identity, camera), and cameras of each identity
        self._camera_count = np.diff(starts, append=len(pid))
        self._num_cameras = np.bincount(np.cumsum(new_pid)[starts] - 1)
        return rows

    def set_num_instances(self, num_instances: int) -> None:
        """Change K from the next epoch on; raises as the constructor."""
        check_at_least(1, num_instances=num_instances)
        k, batch = num_instances, self.batch_size
        ranks = self.sampler.world_size
        if batch % k:
            raise UserError(
                f'batch_size ({batch}) is no multiple of num_instances ({k}).'
            )
        needed = batch // k * ranks
        if len(self._count) < needed:
            raise UserError(
                f'batch_size ({batch}) / num_instances ({k}) x {ranks} ranks '
                f'needs {needed} of {len(self._count)} identities; lower '
                f'batch_size, or add identities.'
            )
        warnings = []
        num_single = int((self._count == 1).sum())
        if num_instances > 1 and num_single >= _MANY * len(self._count):
            warnings.append(
                f'{num_single} of {len(self._count)} identities have one '
                f'image, which fills their {num_instances} places in a batch '
                f'(num_instances)'
            )
        if batch == num_instances:
            warnings.append(
                f'batch_size ({batch}) equals num_instances: every batch of a '
                f'rank holds one identity, and none to tell it from.'
            )
        for warning in warnings:
            print_log(warning, 'current', logging.WARNING)
        self.num_instances = num_instances

    def __len__(self) -> int:
        """Return the number of batches that all images fill, per rank."""
        rows = len(self._rows)
        return -(-rows // (self.batch_size * self.sampler.world_size))

    def plan(self) -> np.ndarray:
        """Return the epoch of all ranks, ``(batches, P x ranks, K)`` rows.

        Group g of a batch is of rank g mod ranks.
        """
        if self.num_instances is None:
            raise UserError(
                'set num_instances, or add InstanceScheduleHook to the hooks.'
            )
        begin = self.sampler.epoch * len(self)
        end = begin + len(self)
        *_, per_pass = self._count_groups()
        parts = []
        while begin < end:
            number, offset = divmod(begin, per_pass)
            parts.append(self._pass(number)[offset : offset + end - begin])
            begin += len(parts[-1])
        return np.concatenate(parts)

    def _count_groups(self) -> tuple[np.ndarray, int, int]:
        """Count the groups of each identity, those of a batch, the batches.

        n batches need n P groups, and an identity gives at most n of them: a
        pass has the largest n with sum_p min(groups_p, n) >= n P. The rest
        of an identity's groups wait for other passes.
        """
        k = self.num_instances
        per_batch = self.batch_size // k * self.sampler.world_size  # P
        groups = image_groups.count_groups(self._count, k, self.compat_padding)
        # by bisection: the sum grows more and more slowly with n
        low, high = 1, int(groups.sum()) // per_batch
        while low < high:
            middle = (low + high + 1) // 2
            if np.minimum(groups, middle).sum() >= middle * per_batch:
                low = middle
            else:
                high = middle - 1
        return np.minimum(groups, low), per_batch, low

    def _pass(self, number: int) -> np.ndarray:
        """Return the groups of a pass, ``(batches, P x ranks, K)`` rows."""
        k = self.num_instances
        rng = np.random.default_rng((self.sampler.seed, k, number))
        groups, per_batch, batches = self._count_groups()
        # (G,) all groups that take part: their identity and index within it
        order = rng.permutation(len(groups))
        identity = np.repeat(order, groups[order])
        index = image_groups.index_in_run(groups[order])
        # a few groups more than the batches hold are left out at random
        num_spare = len(identity) - batches * per_batch
        kept = np.ones(len(identity), bool)
        kept[rng.choice(len(identity), num_spare, replace=False)] = False
        chosen = identity[kept], index[kept]
        # (G,) -> (G, K) rows
        arguments = rng, self._rows, self._count, chosen, k
        if self.balance_cameras:
            rows = image_groups.draw_balanced_groups(
                *arguments, self._camera_count, self._num_cameras
            )
        elif self.compat_padding:
            rows = image_groups.draw_published_groups(*arguments)
        else:
            rows = image_groups.draw_groups(*arguments)
        # Groups of an identity are adjacent and no more than the batches, so
        # batch b with the groups b, b + batches, ... never holds two of them.
        places = np.arange(per_batch) * batches
        return rows.take(rng.permutation(batches)[:, None] + places, axis=0)
