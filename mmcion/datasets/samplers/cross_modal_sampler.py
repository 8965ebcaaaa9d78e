"""CrossModalSampler: batches of visible and thermal images."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler

from mmcion.registry import DATA_SAMPLERS
from mmcion.utils.checks import UserError, check_at_least

from .planned_sampler import PlannedSampler


@DATA_SAMPLERS.register_module()
class CrossModalSampler(PlannedSampler):
    """Draw batches of which one half is visible, the other thermal.

    Visible rows come first.

    - With ``num_instances`` K: K visible and K thermal images of each of P
      identities. Images are drawn with replacement, as in the published code
      of cross-modal AGW, and an epoch has as many batches as the larger
      modality fills, and one more.
    - Without, for training without labels: unpaired images of any identity.
      An epoch passes each image of the larger modality once; the smaller one
      begins anew, in another order, as often as needed (ours).

    The order depends on (seed, epoch) alone; ranks take turns in the
    identities, or images, of a batch.

    Args:
        sampler: Sampler of the data set, whose seed, epoch and rank are used,
            but not its order. The data set has ``cam_ids`` and, for
            identities, ``pids``.
        batch_size: Number of images per rank, 2 P K.
        num_instances: K; None to draw without labels.
        thermal_cams: Cameras of thermal images.

    Raises:
        UserError: If 2 K does not divide ``batch_size``, or too few
            identities have images of both modalities.
    """

    def __init__(
        self,
        sampler: DefaultSampler,
        batch_size: int,
        num_instances: int | None = None,
        *,
        thermal_cams: Collection[int],
    ) -> None:
        k = 1 if num_instances is None else num_instances
        super().__init__(sampler, batch_size)
        check_at_least(1, num_instances=k)
        if batch_size % (2 * k):
            raise UserError(
                f'batch_size ({batch_size}) is no multiple of '
                f'2 x num_instances ({k}).'
            )
        self.num_instances = num_instances
        dataset: Any = sampler.dataset
        is_thermal = np.isin(dataset.cam_ids, list(thermal_cams))
        # without labels, all images count as those of one identity
        pids = np.zeros(len(is_thermal), int)
        if num_instances is not None:
            pids = np.asarray(dataset.pids)
        # rows by identity, visible and thermal
        self.rows = {
            int(pid): [
                np.flatnonzero((pids == pid) & (is_thermal == thermal))
                for thermal in (False, True)
            ]
            for pid in np.unique(pids)
        }
        self.rows = {p: r for p, r in self.rows.items() if all(map(len, r))}
        self.per_batch = batch_size // 2 // k
        needed = 1
        if num_instances is not None:
            needed = self.per_batch * sampler.world_size
        if len(self.rows) < needed:
            raise UserError(
                f'a batch needs {needed} identities with visible and thermal '
                f'images; {len(self.rows)} have both, with {thermal_cams=}.'
            )
        self._larger = int(max(is_thermal.sum(), (~is_thermal).sum()))

    def __len__(self) -> int:
        size = self.batch_size // 2 * self.sampler.world_size
        if self.num_instances is None:
            return -(-self._larger // size)
        return self._larger // size + 1  # as published

    def plan(self) -> np.ndarray:
        """Return the epoch of all W ranks, ``(batches, 2 P W, K)`` rows.

        The groups of a batch are P W visible ones, then as many thermal ones.
        """
        rng = np.random.default_rng((self.sampler.seed, self.sampler.epoch))
        rows = (
            self._draw_images(rng)
            if self.num_instances is None
            else self._draw_identities(rng, self.num_instances)
        )
        # (batches, 2, P W, K) -> (batches, 2 P W, K)
        return rows.reshape(len(rows), -1, rows.shape[-1])

    def _draw_identities(self, rng: np.random.Generator, k: int) -> np.ndarray:
        """Draw identities, then K images of each modality."""
        pids = np.array(list(self.rows))
        size = self.per_batch * self.sampler.world_size
        batches = []
        for _ in range(len(self)):
            chosen = rng.choice(pids, size, replace=False)
            batches.append(
                [
                    [rng.choice(self.rows[pid][thermal], k) for pid in chosen]
                    for thermal in (0, 1)
                ]
            )
        return np.array(batches)

    def _draw_images(self, rng: np.random.Generator) -> np.ndarray:
        """Shuffle each modality, as often as the epoch needs its images."""
        size = self.per_batch * self.sampler.world_size
        needed = len(self) * size
        streams = [
            np.concatenate(
                [rng.permutation(own) for _ in range(-(-needed // len(own)))]
            )[:needed]
            for own in self.rows[0]
        ]
        # (2, batches, P W, 1) -> (batches, 2, P W, 1)
        return np.stack(streams).reshape(2, len(self), size, 1).swapaxes(0, 1)
