"""TimmCosineLR: a cosine over the whole training, cut off by a warm-up."""

from __future__ import annotations

import math
from typing import Any

from mmengine.optim import _ParamScheduler

from mmcion.registry import PARAM_SCHEDULERS
from mmcion.utils.checks import check_choice, check_interval


@PARAM_SCHEDULERS.register_module()
class TimmCosineLR(_ParamScheduler):
    """Rise linearly, then fall on a cosine that began at epoch 0.

    The cosine has fallen a little when the warm-up ends, so the rate drops
    there. First and last rate are factors of the plain rate, also of groups
    with a multiple of it, such as biases; the plain rate is the lowest of the
    optimizer. Source: ``CosineLRScheduler`` of timm, as TransReID calls it.

    Args:
        optimizer: Wrapper whose rates are set, once per epoch.
        end: Epochs of the training; set by mmengine.
        warmup_ratio: Length of the warm-up as a ratio of ``end``, in [0, 1).
        start_factor: First rate of the warm-up.
        end_factor: Last rate of the cosine.
        first_step: Step of the first epoch: 0, or 1 where the published code
            steps before an epoch and not after it.
        options: Options of every scheduler of mmengine.
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        end: int,
        warmup_ratio: float,
        start_factor: float = 0.01,
        end_factor: float = 0.002,
        first_step: int = 0,
        **options: Any,
    ) -> None:
        check_interval('[0, 1)', warmup_ratio=warmup_ratio)
        check_choice('first_step', first_step, (0, 1))
        self.warmup = round(warmup_ratio * end)
        self.start_factor, self.end_factor = start_factor, end_factor
        self.first_step = first_step
        # a wrapper's own groups have one more, which is not scaled with the
        # images per step
        groups = getattr(optimizer, 'optimizer', optimizer).param_groups
        self.plain = min(g.get('initial_lr', g['lr']) for g in groups)
        super().__init__(optimizer, 'lr', end=end, **options)

    def _get_value(self) -> list[float]:
        step = self.last_step + self.first_step
        first = self.start_factor * self.plain
        last = self.end_factor * self.plain
        if step < self.warmup:
            ratio = step / self.warmup
            return [
                first + ratio * (rate - first) for rate in self.base_values
            ]
        # 1 -> 0
        ratio = (1 + math.cos(math.pi * step / self.end)) / 2
        return [last + ratio * (rate - last) for rate in self.base_values]
