"""Gradients that wait for the other batches of their optimizer step.

mmengine's ``accumulative_counts`` makes one step of several batches. DDP
keeps their gradients on their ranks until the last of them.
"""

from __future__ import annotations

from typing import Any

from mmengine.dist import all_reduce
from mmengine.runner import Runner

from .unwrap import unwrapped_model


def average_gradients(runner: Runner) -> None:
    """Give all ranks their mean, which leaves the step's mean as it is.

    To be called on all ranks before one of them saves its own.
    """
    if runner.optim_wrapper.should_update():
        return
    for weight in unwrapped_model(runner).parameters():
        if weight.grad is not None:
            all_reduce(weight.grad, op='mean')


def unfinished_step(runner: Runner) -> dict[str, Any]:
    """Return what a resumed run needs; empty at the end of a step."""
    wrapper = runner.optim_wrapper
    if wrapper.should_update():
        return {}
    scale = _loss_scale(runner)
    return {
        'accumulative_counts': wrapper._accumulative_counts,
        'gradients': {
            name: weight.grad.cpu() / scale
            for name, weight in unwrapped_model(runner).named_parameters()
            if weight.grad is not None
        },
    }


def restore_step(runner: Runner, saved: dict[str, Any]) -> None:
    """Put the gradients back.

    Args:
        runner: resumed, before its first batch.
        saved: what ``unfinished_step`` returned.

    Raises:
        ValueError: if steps have another number of batches now.
    """
    counts = saved['accumulative_counts']
    now = runner.optim_wrapper._accumulative_counts
    if counts != now:
        raise ValueError(
            f'the checkpoint is of iteration {runner.iter}, within a step of '
            f'accumulative_counts={counts} batches, which is {now} now: '
            f'resume with {counts}.'
        )
    weights = dict(unwrapped_model(runner).named_parameters())
    scale = _loss_scale(runner)
    for name, gradient in saved['gradients'].items():
        weights[name].grad = gradient.to(weights[name].device) * scale
    # mmengine has just said that they are lost
    runner.logger.info(
        f'gradients of {runner.iter % counts} of {counts} batches of a step '
        f'are back; none are lost'
    )


def _loss_scale(runner: Runner) -> float:
    """Return what float16 gradients carry; a power of 2 rounds nothing."""
    scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
    return scaler.get_scale() if scaler else 1.0
