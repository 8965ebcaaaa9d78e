"""ExactResumeHook: go on within an epoch as if never interrupted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.engine.unfinished_step import restore_step, unfinished_step
from mmcion.registry import HOOKS

_LENGTH = 'batches_per_epoch'
_UNFINISHED = 'unfinished_step'


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Let a resumed run continue with the batch after its checkpoint.

    mmengine's epoch loop begins an epoch anew when its checkpoint was written
    in the middle (``CheckpointHook(by_epoch=False)``); this tells the sampler
    what to leave out. Where several batches make a step
    (``accumulative_counts``), a checkpoint between them holds the gradients
    so far. What the model draws (dropout, drop path) is seeded by
    (seed, rank, iteration), so it needs no state that only one rank would
    save. The console counts the rest of such an epoch from 1.

    Runs after the hooks that tell the sampler its epoch and K.
    """

    priority = 'LOW'

    def __init__(self) -> None:
        self._saved_length: int | None = None
        self._unfinished: dict[str, Any] = {}
        self._skipped = 0

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Note how long an epoch is, and gradients that wait for a step."""
        checkpoint['meta'][_LENGTH] = len(runner.train_dataloader)
        checkpoint[_UNFINISHED] = unfinished_step(runner)

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Remember what was noted."""
        self._saved_length = checkpoint.get('meta', {}).get(_LENGTH)
        self._unfinished = checkpoint.get(_UNFINISHED, {})

    def before_train(self, runner: Runner) -> None:
        """Find the place in the epoch and in the step.

        Raises:
            ValueError: if it is within an epoch, and epochs have another
                length now or the sampler cannot leave batches out; or within
                a step, and steps have another number of batches now.
        """
        self._find_batch(runner)
        if runner.iter and self._unfinished:
            restore_step(runner, self._unfinished)
        self._unfinished = {}

    def _find_batch(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        now = len(loader)
        length = now if self._saved_length is None else self._saved_length
        done = runner.iter - runner.epoch * length
        if done and (length != now or not 0 < done <= now):
            raise ValueError(
                f'the checkpoint is of iteration {runner.iter}, within epoch '
                f'{runner.epoch + 1} of {length} batches, but an epoch has '
                f'{now} now: resume with the data, batch size and number of '
                f'ranks that the run began with.'
            )
        if done and not hasattr(loader.sampler, 'skip'):
            raise ValueError(
                f'the checkpoint is of the middle of an epoch, where '
                f'{type(loader.sampler).__name__} cannot begin; resume from '
                f'one of the end of an epoch.'
            )
        self._skipped = done

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the sampler what to leave out, in the first epoch only."""
        if self._skipped:
            loader = runner.train_dataloader
            loader.sampler.skip(self._skipped * loader.batch_size)
            runner.logger.info(
                f'epoch {runner.epoch + 1} goes on after {self._skipped} of '
                f'{len(loader)} batches'
            )
        self._skipped = 0

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Seed what the model will draw."""
        sequence = np.random.SeedSequence(
            (runner.seed, get_rank(), runner.iter)
        )
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))
