"""ExactResumeHook: resume within an epoch as if never interrupted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.engine.resumed_settings import ResumedSettings
from mmcion.engine.unfinished_step import restore_step, unfinished_step
from mmcion.registry import HOOKS
from mmcion.utils.checks import UserError

_LENGTH = 'batches_per_epoch'
_UNFINISHED = 'unfinished_step'


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Let a resumed run continue with the batch after its checkpoint.

    mmengine's epoch loop begins an epoch anew when its checkpoint was written
    in the middle (``CheckpointHook(by_epoch=False)``); here the batch sampler
    skips the batches that are done. Where several batches make a step
    (``accumulative_counts``), a checkpoint between them holds the gradients
    so far. What the model draws (dropout, drop path) is seeded by
    (seed, rank, iteration), so it needs no state that only one rank would
    save. The console counts the rest of such an epoch from 1.

    Schedules and options of the optimizer are those of the config. Where
    they differ from the checkpoint's, the log names them and the schedules
    are computed anew up to the iteration. At the end of an epoch a run may go
    on with other batches: the count of iterations is then that of as many
    epochs of the new length.
    """

    priority = 'LOW'  # after the hooks that set epoch and K of the sampler

    def __init__(self) -> None:
        self._saved_length: int | None = None
        self._unfinished: dict[str, Any] = {}
        self._num_done = 0
        self._settings: ResumedSettings | None = None

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Save the length of an epoch and accumulated gradients."""
        checkpoint['meta'][_LENGTH] = len(runner.train_dataloader)
        checkpoint[_UNFINISHED] = unfinished_step(runner)

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Remember what was saved."""
        self._saved_length = checkpoint.get('meta', {}).get(_LENGTH)
        self._unfinished = checkpoint.get(_UNFINISHED, {})
        if runner._resume:
            self._settings = ResumedSettings(runner, checkpoint)

    def before_train(self, runner: Runner) -> None:
        """Find the place in the epoch and in the step."""
        loader = runner.train_dataloader
        now = len(loader)
        # batches of the epoch that were done before the checkpoint
        length = self._saved_length or now
        done = runner.iter - runner.epoch * length
        begun = done or self._unfinished
        if begun and (length != now or not 0 <= done <= now):
            raise UserError(
                f'iteration {runner.iter} is within an epoch of {length} '
                f'batches, now {now}: resume with the same data, batch size '
                f'and number of ranks, or start anew with load_from.'
            )
        if length != now:
            runner.train_loop._iter = runner.epoch * now
            runner.optim_wrapper.initialize_count_status(
                runner.model, runner.iter, runner.max_iters
            )
            runner.logger.warning(
                f'an epoch has {now} batches now, {length} before: the run '
                f'goes on at iteration {runner.iter}'
            )
        if self._settings is not None:
            self._settings.apply(runner)
            self._settings = None
        if done and not hasattr(loader.batch_sampler, 'skip'):
            name = type(loader.batch_sampler).__name__
            raise UserError(f'{name} can only resume between epochs.')
        self._num_done = done
        if runner.iter and self._unfinished:
            restore_step(runner, self._unfinished)
        self._unfinished = {}

    def before_train_epoch(self, runner: Runner) -> None:
        """Skip what is done, in the first epoch only."""
        if self._num_done:
            loader = runner.train_dataloader
            loader.batch_sampler.skip(self._num_done)
            place = f'{self._num_done} of {len(loader)} batches'
            runner.logger.info(
                f'epoch {runner.epoch + 1} goes on after {place}'
            )
        self._num_done = 0

    def before_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Seed what the model will draw."""
        # of the iteration, not the batch: the same after any resume
        place = (runner.seed, get_rank(), runner.iter)
        state = np.random.SeedSequence(place).generate_state(1, np.uint64)
        torch.manual_seed(int(state[0]))
