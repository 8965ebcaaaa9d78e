"""PseudoLabelHook: before every epoch, cluster the images to train on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast, get_comm_device, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from mmcion.engine.unwrap import unwrapped_model
from mmcion.evaluation import identity_metrics
from mmcion.models.utils import eval_mode
from mmcion.models.weights.network_config import class_name
from mmcion.registry import HOOKS
from mmcion.utils.checks import UserError, check_at_least, check_interval
from mmcion.utils.dist import all_gather_arrays

from .cluster_sampler import ClusterSampler
from .pseudo_labels import OUTLIER, cluster_centers, cluster_images

_SAVED = 'pseudo_labels'  # in checkpoints
# transforms that a training image shares with one of a test
_PLAIN = ('LoadImage', 'ResizeImage', 'PackReIDInputs')


@HOOKS.register_module()
class PseudoLabelHook(Hook):
    """Label the training images by clustering, then let the epoch train.

    Features of all training images are extracted without augmentation, in
    eval mode and float32, by all ranks together. Rank 0 clusters them; the
    clusters become the labels of the epoch, and their centres its memory.
    Outliers are left out. Identities of the data set are used for nothing but
    the logged ARI, which is of the clustered images.

    Checkpoints hold labels and memory, so that a run resumed within an epoch
    goes on with them. All ranks take the batch norm statistics of rank 0 at
    the end of an epoch, which are those of a checkpoint.

    Source: Dai et al., "Cluster contrast for unsupervised person
    re-identification" (ACCV 2022), algorithm 1.

    Args:
        eps: See ``cluster_images``.
        min_samples: See ``cluster_images``.
        k1: See ``cluster_images``.
        k2: See ``cluster_images``.
        batch_size: Images per forward pass and rank.
    """

    priority = 'BELOW_NORMAL'  # after the epoch of the sampler is set

    def __init__(
        self,
        eps: float = 0.6,
        min_samples: int = 4,
        k1: int = 30,
        k2: int = 6,
        batch_size: int = 256,
    ) -> None:
        check_interval('(0, 1)', eps=eps)
        check_at_least(1, min_samples=min_samples, k1=k1, k2=k2)
        self.clustering = {
            'eps': eps,
            'min_samples': min_samples,
            'k1': k1,
            'k2': k2,
        }
        self.batch_size = batch_size
        self._resumed: dict[str, torch.Tensor] | None = None
        self._labels = np.empty(0, np.int64)  # (N,) of the epoch
        self._rows = np.empty((0, 0), np.int64)  # (batches, B) of this rank

    def before_train(self, runner: Runner) -> None:
        """Prepare the extraction of features."""
        loader = runner.train_dataloader
        dataset, k1 = loader.dataset, self.clustering['k1']
        if not isinstance(loader.batch_sampler, ClusterSampler):
            found = type(loader.batch_sampler).__name__
            raise UserError(
                f'train_dataloader.batch_sampler must be ClusterSampler, not '
                f'{found}.'
            )
        if len(dataset) <= k1:
            raise UserError(
                f'{len(dataset)} images to train on are too few for k1={k1}.'
            )
        # another image of a broken one's identity would make use of it
        dataset.broken.max_broken = 0
        settings = runner.cfg.train_dataloader
        pipeline = [
            transform
            for transform in settings.dataset.pipeline
            if class_name(transform) in _PLAIN
        ]
        self._loader = runner.build_dataloader(
            {
                'batch_size': self.batch_size,
                'num_workers': settings.num_workers,
                'sampler': {'type': 'DefaultSampler', 'shuffle': False},
                'dataset': {
                    **settings.dataset,
                    'pipeline': pipeline,
                    'max_broken': 0,
                },
            }
        )

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Save labels and memory of the epoch."""
        checkpoint[_SAVED] = {
            'labels': torch.from_numpy(self._labels),
            'centers': unwrapped_model(runner).head.memory.centers.cpu(),
        }

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Remember what was saved."""
        if runner._resume:
            self._resumed = checkpoint.get(_SAVED)

    def before_train_epoch(self, runner: Runner) -> None:
        """Label the images, unless the run goes on within an epoch."""
        loader, model = runner.train_dataloader, unwrapped_model(runner)
        is_within = runner.iter > runner.epoch * len(loader)
        saved, self._resumed = self._resumed, None
        if saved is not None and is_within:
            self._labels = saved['labels'].numpy()
            centers = saved['centers']
        else:
            features = extract_features(model, self._loader)
            self._labels, centers = self._cluster(runner, features)
        loader.batch_sampler.set_labels(self._labels)
        # as they are: normalising once more would change last bits
        memory = model.head.memory
        memory.centers = centers.to(memory.centers.device)
        self._rows = loader.batch_sampler.own_rows()

    def _cluster(
        self, runner: Runner, features: np.ndarray
    ) -> tuple[np.ndarray, torch.Tensor]:
        """Return ``(N,)`` labels and ``(C, D)`` centres, those of rank 0."""
        labels = np.empty(len(features), np.int64)
        if is_main_process():
            labels = cluster_images(features, **self.clustering)
        labels = from_rank_0(labels)
        centers = from_rank_0(cluster_centers(features, labels))
        num_outliers = int((labels == OUTLIER).sum())
        counts = {'clusters': len(centers), 'outliers': num_outliers}
        text = f'{len(centers)} clusters, {num_outliers} outliers'
        truth = np.asarray(runner.train_dataloader.dataset.pids)
        if truth.min() < truth.max():  # else no identities are known
            counts['ari'] = identity_metrics(truth, labels)['ari']
            text += f', ARI {counts["ari"]:.4f}'
        runner.logger.info(f'epoch {runner.epoch + 1}: {text}')
        for name, value in counts.items():
            runner.message_hub.update_scalar(f'train/{name}', value)
        return labels, torch.from_numpy(centers)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Put the clusters of the images in place of their identities."""
        # of the epoch, not of a loader that a resumed run has cut short
        rows = self._rows[runner.iter - runner.epoch * len(self._rows)]
        samples = data_batch['data_samples']
        for sample, label in zip(samples, self._labels[rows], strict=True):
            sample.set_metainfo({'pid': int(label)})

    def after_train_epoch(self, runner: Runner) -> None:
        """Give all ranks the batch norm statistics of rank 0."""
        for buffer in unwrapped_model(runner).buffers():
            broadcast(buffer)


def extract_features(model: Any, loader: DataLoader) -> np.ndarray:
    """Return ``(N, D)`` unit features of a data set, on all ranks."""
    parts = []
    with eval_mode(model), torch.no_grad():
        for batch in loader:
            inputs = model.data_preprocessor(batch)['inputs']
            parts.append(normalize(model(inputs)).float().cpu().numpy())
    # row i of the data set is on rank i mod W: (W, n, D) -> (n, W, D)
    rows = np.stack(all_gather_arrays(np.concatenate(parts)), axis=1)
    return rows.reshape(-1, rows.shape[-1])[: len(loader.dataset)]


def from_rank_0(array: np.ndarray) -> np.ndarray:
    """Return the array of rank 0; all ranks give one of its size."""
    tensor = torch.from_numpy(array).to(get_comm_device())
    broadcast(tensor)
    return tensor.cpu().numpy()
