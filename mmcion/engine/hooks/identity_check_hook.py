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

    Without it a head with too many classes would train unnoticed, and so
    would one with a single class, whose losses are 0.
    """

    def before_train(self, runner: Runner) -> None:
        """Check that identities are 0 to ``head.num_classes`` - 1."""
        pids = np.unique(runner.train_dataloader.dataset.pids)
        classes = unwrapped_model(runner).head.num_classes
        if not np.array_equal(pids, np.arange(classes)):
            raise UserError(
                f'identities are {pids[0]} to {pids[-1]}, but classes 0 to '
                f'{classes - 1}: set model.head.num_classes={len(pids)}.'
            )
        if len(pids) < 2:
            raise UserError(
                'all training images are of one identity, but training '
                'tells identities apart: add images of others.'
            )
