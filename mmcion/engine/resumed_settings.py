"""Schedules and optimizer options of a resumed run are those of its config."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from mmengine.runner import Runner

from mmcion.utils.checks import UserError, join_names

# what a scheduler of mmengine changes as it steps; the rest is its config
_PROGRESS = {'last_step', '_global_step', '_last_value', 'verbose'}


class ResumedSettings:
    """Compare the settings of a run and of a checkpoint before resuming.

    mmengine overwrites schedulers and parameter groups with those of the
    checkpoint, so that more epochs or another rate have no effect.

    Args:
        runner: With optimizer and schedulers as the config builds them.
        checkpoint: Not loaded yet.

    Attributes:
        changes: Settings that differ, ``'name: before -> now'``.
    """

    def __init__(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        schedulers = _schedulers(runner)
        self._groups = [
            {k: deepcopy(v) for k, v in group.items() if k != 'params'}
            for group in runner.optim_wrapper.param_groups
        ]
        self._states = [deepcopy(s.state_dict()) for s in schedulers]
        before = checkpoint.get('param_schedulers') or []
        self.changes = []
        if len(before) != len(schedulers):
            self.changes.append(
                f'number of param_scheduler: {len(before)} -> '
                f'{len(schedulers)}'
            )
        for i, (old, new) in enumerate(
            zip(before, self._states, strict=False)
        ):
            self._compare(f'param_scheduler.{i}', old, new, _PROGRESS)
        groups = checkpoint.get('optimizer', {}).get('param_groups', [])
        for old, new in zip(groups, self._groups, strict=False):
            # a value that a schedule sets changes on the way
            scheduled = {k for k in new if f'initial_{k}' in new}
            self._compare('optimizer', old, new, {'params', *scheduled})

    def _compare(
        self, name: str, old: dict, new: dict, ignored: set[str]
    ) -> None:
        self.changes += [
            text
            for key in new
            if key not in ignored and key in old and old[key] != new[key]
            # groups mostly agree in what has changed
            if (text := f'{name}.{key}: {old[key]} -> {new[key]}')
            not in self.changes
        ]

    def apply(self, runner: Runner) -> None:
        """Put the settings of the config back, if any differ."""
        if not self.changes:
            return
        schedulers = _schedulers(runner)
        if any(hasattr(scheduler, 'monitor') for scheduler in schedulers):
            raise UserError(
                f'a schedule that follows scores cannot be computed anew: '
                f'resume without {join_names(self.changes)}.'
            )
        runner.logger.warning(
            f'resuming with the settings of the config: '
            f'{join_names(self.changes, 20)}'
        )
        groups = runner.optim_wrapper.param_groups
        for group, own in zip(groups, self._groups, strict=True):
            group.update(own)
        for scheduler, state in zip(schedulers, self._states, strict=True):
            scheduler.load_state_dict(state)
            # else it warns that no step of the optimizer came before
            scheduler.optimizer._global_step = runner.iter
        # as ParamSchedulerHook steps them; each is recursive, so that there
        # is no shorter way to the same bits
        length = max(runner.iter // max(runner.epoch, 1), 1)
        epochs_left = runner.epoch
        for iteration in range(1, runner.iter + 1):
            ends_epoch = iteration % length == 0 and epochs_left > 0
            epochs_left -= ends_epoch
            for scheduler in schedulers:
                if not scheduler.by_epoch or ends_epoch:
                    scheduler.step()


def _schedulers(runner: Runner) -> list[Any]:
    """Return the schedulers; mmengine has None for no schedule."""
    schedulers: Any = runner.param_schedulers
    return list(schedulers or [])
