"""ClusterSampler: images of P clusters from several cameras."""

from __future__ import annotations

import numpy as np
from mmengine.dataset import DefaultSampler

from mmcion.datasets.samplers import IdentitySampler
from mmcion.registry import DATA_SAMPLERS
from mmcion.utils.checks import UserError, check_at_least

from .pseudo_labels import OUTLIER


@DATA_SAMPLERS.register_module()
class ClusterSampler(IdentitySampler):
    """Draw batches of P clusters with K images each, from other cameras.

    A pass holds every cluster once, in random order, cut into batches of all
    ranks; the last, smaller one is dropped. An epoch is ``num_batches`` of as
    many passes as it takes. See ``draw_group`` for the images of a cluster.
    The order depends on (seed, epoch) and the clusters alone. Source: sampler
    of SpCL and Cluster Contrast.

    Args:
        sampler: See ``IdentitySampler``; the data set has ``cam_ids``.
        batch_size: Number of images B = P x K per rank.
        num_instances: Number of images K per cluster.
        num_batches: Batches of an epoch.
    """

    def __init__(
        self,
        sampler: DefaultSampler,
        batch_size: int,
        num_instances: int,
        num_batches: int,
    ) -> None:
        super().__init__(sampler, batch_size)
        check_at_least(1, num_instances=num_instances, num_batches=num_batches)
        if batch_size % num_instances:
            raise UserError(
                f'batch_size ({batch_size}) is no multiple of num_instances '
                f'({num_instances}).'
            )
        self.num_instances = num_instances
        self.num_batches = num_batches
        # rows of each cluster; none until labels are set
        self._clusters: list[np.ndarray] = []

    def __len__(self) -> int:
        """Return the number of batches."""
        return self.num_batches

    def set_labels(self, labels: np.ndarray) -> None:
        """Take the clusters ``(N,)`` of the epoch, see ``cluster_images``.

        Raises:
            UserError: If they are fewer than a batch needs.
        """
        order = np.argsort(labels, kind='stable')
        sizes = np.bincount(labels[labels != OUTLIER])
        ends = np.cumsum([(labels == OUTLIER).sum(), *sizes])
        self._clusters = np.split(order, ends)[1:-1]
        ranks, k = self.sampler.world_size, self.num_instances
        # with one cluster there is nothing to tell apart
        needed = max(self.batch_size // k * ranks, 2)
        if len(self._clusters) < needed:
            raise UserError(
                f'{len(labels)} images form {len(self._clusters)} clusters, '
                f'but a batch needs {needed} (batch_size {self.batch_size} / '
                f'num_instances {k} x {ranks} ranks): lower '
                f'train_dataloader.batch_size, or change eps of '
                f'PseudoLabelHook or the weights to start from.'
            )

    def plan(self) -> np.ndarray:
        """Return the epoch of all ranks, ``(batches, P x ranks, K)`` rows.

        Group g of a batch is of rank g mod ranks.
        """
        per_batch = (
            self.batch_size // self.num_instances * self.sampler.world_size
        )
        rng = np.random.default_rng((self.sampler.seed, self.sampler.epoch))
        cam_ids = np.asarray(self.sampler.dataset.cam_ids)
        batches: list[list[np.ndarray]] = []
        while len(batches) < self.num_batches:
            order = rng.permutation(len(self._clusters))
            whole = order[: len(order) // per_batch * per_batch]
            for chosen in whole.reshape(-1, per_batch):
                rows = [self._clusters[cluster] for cluster in chosen]
                batches.append(
                    [
                        draw_group(rng, own, cam_ids[own], self.num_instances)
                        for own in rows
                    ]
                )
        return np.array(batches[: self.num_batches])

    def own_rows(self) -> np.ndarray:
        """Return the rows of this rank's batches, ``(batches, B)``."""
        own = np.s_[:, self.sampler.rank :: self.sampler.world_size]
        return self.plan()[own].reshape(self.num_batches, -1)


def draw_group(
    rng: np.random.Generator, rows: np.ndarray, cam_ids: np.ndarray, k: int
) -> np.ndarray:
    """Draw ``(K,)`` of a cluster's images: one, and K - 1 of other cameras.

    - Without other cameras they are other images of the same one.
    - They repeat only where there are fewer than K to choose from.
    - A lone image is repeated; the published code returns it once, which
      makes batches of different sizes.

    Args:
        rng: Source of randomness.
        rows: ``(n,)`` images of the cluster.
        cam_ids: ``(n,)`` cameras.
        k: K.
    """
    anchor = rng.integers(len(rows))
    others = np.flatnonzero(cam_ids != cam_ids[anchor])
    if not len(others):
        others = np.delete(np.arange(len(rows)), anchor)
    if not len(others):
        return np.repeat(rows, k)
    rest = rng.choice(others, k - 1, replace=len(others) < k)
    return rows[np.r_[anchor, rest]]
