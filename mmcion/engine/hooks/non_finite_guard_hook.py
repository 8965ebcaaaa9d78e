"""NonFiniteGuardHook: stop all ranks when a loss is NaN or infinite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.optim import LinearParamScheduler
from mmengine.runner import Runner
from torch import Tensor

from mmcion.registry import HOOKS
from mmcion.utils.checks import join_names
from mmcion.utils.io import write_json

_HIGHEST_RATE = 100.0  # linear probes with SGD go up to 30


@HOOKS.register_module()
class NonFiniteGuardHook(Hook):
    """End training on all ranks when a loss of any rank is not finite.

    Every rank first writes ``non_finite_rank{r}.json`` into the work folder:
    its losses and the images of its batch. The published code ends the one
    rank and leaves the others waiting.
    """

    priority = 'VERY_HIGH'  # before checkpoints are written

    def before_train(self, runner: Runner) -> None:
        """Warn of rates that no recipe has, or that never rise."""
        groups = runner.optim_wrapper.param_groups
        rate = max(group.get('initial_lr', group['lr']) for group in groups)
        if rate > _HIGHEST_RATE:
            runner.logger.warning(
                f'the learning rate is {rate:g}; is it meant? Set '
                f'optim_wrapper.optimizer.lr.'
            )
        # A schedule of one step sets its first value and ends; those that
        # follow multiply it, so that a warm-up is never over.
        for schedule in runner.param_schedulers or []:
            if (
                isinstance(schedule, LinearParamScheduler)
                and schedule.total_iters == 0
                and schedule.start_factor != schedule.end_factor
            ):
                runner.logger.warning(
                    f'{type(schedule).__name__} of one step leaves '
                    f'{schedule.param_name} at {schedule.start_factor:g} of '
                    f'its value for good; give it 2 steps, or leave it out.'
                )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Raise ``FloatingPointError`` if a loss of any rank is not finite."""
        losses = outputs or {}
        rank, faults = get_rank(), torch.zeros(get_world_size())
        for loss in losses.values():
            faults = faults.to(loss.device)
            faults[rank] += ~loss.detach().isfinite().all()
        # (ranks,) every rank has set its own entry
        all_reduce(faults)
        faulty_ranks = faults.nonzero().flatten().tolist()
        if not faulty_ranks:
            return
        path = Path(runner.work_dir) / f'non_finite_rank{rank}.json'
        samples = (data_batch or {}).get('data_samples') or []
        # as text, because JSON has no NaN
        shown = {name: str(loss.tolist()) for name, loss in losses.items()}
        record = {
            'rank': rank,
            'ranks_at_fault': faulty_ranks,
            'epoch': runner.epoch + 1,
            'iter': runner.iter + 1,
            'losses': shown,
            'batch_idx': batch_idx,
            'images': [dict(sample.metainfo_items()) for sample in samples],
        }
        write_json(path, record)
        raise FloatingPointError(
            f'the loss of rank {join_names(faulty_ranks)} is not finite, see '
            f'{path}. Lower the learning rate, or look for damaged images.'
        )
