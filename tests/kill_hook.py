"""A hook that ends its process as the machine's failure would."""

import os
import signal

from mmengine.hooks import Hook

from mmcion.registry import HOOKS


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """Send a signal to the process before a batch, counted from 0."""

    def __init__(self, iteration, number=signal.SIGKILL):
        self.iteration = iteration
        self.number = number

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            os.kill(os.getpid(), self.number)
