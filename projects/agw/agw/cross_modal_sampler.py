"""CrossModalSampler: identities with visible and thermal images."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import Sampler

from mmcion.datasets.samplers import Draw
from mmcion.registry import DATA_SAMPLERS
from mmcion.utils.checks import UserError, check_at_least


@DATA_SAMPLERS.register_module()
class CrossModalSampler(Sampler[list[Draw]]):
    """Draw batches of K visible and K thermal images of each of P identities.

    Visible rows come first. Images are drawn with replacement, as in the
    published code of cross-modal AGW, and an epoch has as many batches as the
    larger modality fills, and one more. The order depends on (seed, epoch)
    alone; ranks take turns in the identities of a batch.

    Args:
        sampler: Sampler of the data set, whose seed, epoch and rank are used,
            but not its order. The data set has ``pids`` and ``cam_ids``.
        batch_size: Number of images per rank, 2 P K.
        num_instances: K.
        thermal_cams: Cameras of thermal images.

    Raises:
        UserError: If 2 K does not divide ``batch_size``, or too few
            identities have images of both modalities.
    """

    def __init__(
        self,
        sampler: DefaultSampler,
        batch_size: int,
        num_instances: int,
        thermal_cams: Collection[int],
    ) -> None:
        check_at_least(1, batch_size=batch_size, num_instances=num_instances)
        if batch_size % (2 * num_instances):
            raise UserError(
                f'batch_size ({batch_size}) is no multiple of '
                f'2 x num_instances ({num_instances}).'
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.num_instances = num_instances
        dataset: Any = sampler.dataset
        pids = np.asarray(dataset.pids)
        is_thermal = np.isin(dataset.cam_ids, list(thermal_cams))
        # rows by identity, visible and thermal
        self.rows = {
            int(pid): [
                np.flatnonzero((pids == pid) & (is_thermal == thermal))
                for thermal in (False, True)
            ]
            for pid in np.unique(pids)
        }
        self.rows = {p: r for p, r in self.rows.items() if all(map(len, r))}
        self.per_batch = batch_size // 2 // num_instances
        needed = self.per_batch * sampler.world_size
        if len(self.rows) < needed:
            raise UserError(
                f'a batch needs {needed} identities with visible and thermal '
                f'images; {len(self.rows)} have both, with {thermal_cams=}.'
            )
        self._larger = int(max(is_thermal.sum(), (~is_thermal).sum()))
        self._num_skipped = 0

    def skip(self, num_batches: int) -> None:
        """Leave out the first batches of the next iteration."""
        self._num_skipped = num_batches

    def __len__(self) -> int:
        ranks = self.sampler.world_size
        return self._larger // (self.batch_size // 2 * ranks) + 1

    def __iter__(self) -> Iterator[list[Draw]]:
        skipped, self._num_skipped = self._num_skipped, 0
        seed, epoch = self.sampler.seed, self.sampler.epoch
        rank, ranks = self.sampler.rank, self.sampler.world_size
        rng = np.random.default_rng((seed, epoch))
        pids = np.array(list(self.rows))
        size = self.batch_size * ranks
        for number in range(len(self)):
            chosen = rng.choice(pids, self.per_batch * ranks, replace=False)
            # (2, P x ranks, K)
            rows = np.array(
                [
                    [
                        rng.choice(self.rows[pid][thermal], self.num_instances)
                        for pid in chosen
                    ]
                    for thermal in (0, 1)
                ]
            )
            if number < skipped:
                continue
            places = np.arange(size).reshape(rows.shape) + number * size
            mine = np.s_[:, rank::ranks]
            pairs = zip(
                *(a[mine].ravel().tolist() for a in (rows, places)),
                strict=True,
            )
            yield [Draw(row, (seed, epoch, place)) for row, place in pairs]
