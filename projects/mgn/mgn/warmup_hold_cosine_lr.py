"""WarmupHoldCosineLR: a linear warm-up, a plateau and a half cosine."""

from __future__ import annotations

import math
from typing import Any

from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin

from mmcion.registry import PARAM_SCHEDULERS
from mmcion.utils.checks import check_interval


@PARAM_SCHEDULERS.register_module()
class WarmupHoldCosineLR(LRSchedulerMixin, _ParamScheduler):
    """Rise linearly, stay at the full rate, then fall on a half cosine.

    With T steps, a warm-up of w and a plateau up to h, step t has the rate

    - lr (f + (1 - f) t / w) for t < w, with f the ``start_factor``
    - lr for w <= t <= h
    - e + (lr - e) (1 + cos(pi (t - h) / (T - h))) / 2 after it, with e the
      ``eta_min``.

    Source: fast-reid's ``WarmupCosineAnnealingLR`` with ``DELAY_ITERS``.

    Args:
        optimizer: Wrapper whose rates are set.
        end: Length T of the training; set by mmengine.
        warmup_ratio: w as a ratio of T.
        hold_ratio: h as a ratio of T, at least ``warmup_ratio``.
        start_factor: Ratio f of the full rate at the first step.
        eta_min: Rate e at the end.
        options: Options of mmengine's schedulers, such as ``by_epoch``.
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        end: int,
        warmup_ratio: float,
        hold_ratio: float,
        start_factor: float = 0.01,
        eta_min: float = 0.0,
        **options: Any,
    ) -> None:
        check_interval('[0, 1)', hold_ratio=hold_ratio)
        check_interval(f'[0, {hold_ratio}]', warmup_ratio=warmup_ratio)
        self.warmup = round(warmup_ratio * end)
        self.hold = round(hold_ratio * end)
        self.start_factor = start_factor
        self.eta_min = eta_min
        super().__init__(optimizer, end=end, **options)

    @classmethod
    def build_iter_from_epoch(
        cls, *args: Any, end: int, epoch_length: int, **options: Any
    ) -> WarmupHoldCosineLR:
        """Build it to step after every iteration."""
        options['by_epoch'] = False
        return cls(*args, end=end * epoch_length, **options)

    def _get_value(self) -> list[float]:
        step, low = self.last_step, self.eta_min
        if step < self.warmup:
            factor = self.start_factor
            factor += (1 - factor) * step / self.warmup
            return [base * factor for base in self.base_values]
        angle = max(step - self.hold, 0) / (self.end - self.hold) * math.pi
        cosine = (1 + math.cos(angle)) / 2
        return [low + (base - low) * cosine for base in self.base_values]
