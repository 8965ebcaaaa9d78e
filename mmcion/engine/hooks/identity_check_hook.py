"""IdentityCheckHook: the classes of the head fit the data."""

from __future__ import annotations

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.engine.unwrap import unwrapped_model
from mmcion.registry import HOOKS
from mmcion.utils.checks import UserError


@HOOKS.register_module()
class IdentityCheckHook(Hook):
    """Compare the identities of the training data with the head's classes.

    Without it a head with too many classes would train unnoticed.
    """

    def before_train(self, runner: Runner) -> None:
        """Check before the first batch.

        Raises:
            UserError: If the identities of the data are not 0 to
                ``head.num_classes`` - 1.
        """
        pids = np.unique(runner.train_dataloader.dataset.pids)
        classes = unwrapped_model(runner).head.num_classes
        if len(pids) != classes or pids[0] != 0 or pids[-1] != classes - 1:
            raise UserError(
                f'the training data has {len(pids)} identities, numbered '
                f'{pids[0]} to {pids[-1]}, and the head {classes} classes: '
                f'set model.head.num_classes={len(pids)}, and number '
                f'identities from 0 on, as split="train" of a dataset does.'
            )
