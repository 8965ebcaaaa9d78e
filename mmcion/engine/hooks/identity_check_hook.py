"""IdentityCheckHook: classes and batches fit the data."""

from __future__ import annotations

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.engine.unwrap import unwrapped_model
from mmcion.registry import HOOKS


@HOOKS.register_module()
class IdentityCheckHook(Hook):
    """Compare the training data with the head, and sampler with loader."""

    def before_train(self, runner: Runner) -> None:
        """Check before the first batch.

        Raises:
            ValueError: if the identities of the data are not 0 to
                ``head.num_classes`` - 1, or the batches of sampler and data
                loader differ in size.
        """
        loader = runner.train_dataloader
        pids = np.unique(loader.dataset.pids)
        classes = unwrapped_model(runner).head.num_classes
        if len(pids) != classes or pids[0] != 0 or pids[-1] != classes - 1:
            raise ValueError(
                f'the training data has {len(pids)} identities, numbered '
                f'{pids[0]} to {pids[-1]}, and the head {classes} classes: '
                f'set model.head.num_classes={len(pids)}, and number '
                f'identities from 0 on, as split="train" of a dataset does.'
            )
        size = getattr(loader.sampler, 'batch_size', loader.batch_size)
        if size != loader.batch_size:
            raise ValueError(
                f'the sampler makes batches of {size}, the data loader of '
                f'{loader.batch_size}: set both train_dataloader.batch_size '
                f'and train_dataloader.sampler.batch_size.'
            )
