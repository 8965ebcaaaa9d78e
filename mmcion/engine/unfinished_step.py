"""Gradients of a step whose batches are not all done.

With ``accumulative_counts`` DDP averages them with the last batch only.
"""

from __future__ import annotations

from typing import Any

from mmengine.dist import all_reduce
from mmengine.runner import Runner

from mmcion.utils.checks import UserError

from .unwrap import unwrapped_model


def average_gradients(runner: Runner) -> None:
    """Replace accumulated gradients by their mean over ranks."""
    # the mean of the whole step does not change
    if runner.optim_wrapper.should_update():
        return
    for weight in unwrapped_model(runner).parameters():
        if weight.grad is not None:
            all_reduce(weight.grad, op='mean')


def unfinished_step(runner: Runner) -> dict[str, Any]:
    """Return what a resumed run needs; nothing at the end of a step."""
    wrapper = runner.optim_wrapper
    if wrapper.should_update():
        return {}
    # in true units, since a resumed run may have another loss scale
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
    """Put the gradients of ``unfinished_step`` back, before any batch."""
    counts = saved['accumulative_counts']
    now = runner.optim_wrapper._accumulative_counts
    if counts != now:
        text = f'accumulative_counts={counts} batches, now {now}'
        raise UserError(f'within a step of {text}: resume with {counts}.')
    weights = dict(unwrapped_model(runner).named_parameters())
    scale = _loss_scale(runner)
    for name, gradient in saved['gradients'].items():
        weights[name].grad = gradient.to(weights[name].device) * scale
    # mmengine has just warned that they are lost
    done = runner.iter % counts
    runner.logger.info(
        f'gradients of {done} of {counts} batches of a step are back'
    )


def _loss_scale(runner: Runner) -> float:
    """Return the factor on float16 gradients, a power of 2: exact."""
    scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
    return scaler.get_scale() if scaler else 1.0
