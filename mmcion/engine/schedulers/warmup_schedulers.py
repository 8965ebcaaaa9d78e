"""Schedules with a warm-up, whose lengths are ratios of the training.

mmengine sets ``end`` to ``train_cfg.max_epochs``, the only place of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.optim import CosineAnnealingLR, LinearParamScheduler, MultiStepLR

from mmcion.registry import PARAM_SCHEDULERS
from mmcion.utils.checks import check_interval


class _Warmup:
    """Linear warm-up before another scheduler of mmengine.

    The rates are to the last bit those of mmengine's ``LinearLR`` and the
    other scheduler one after the other.
    """

    last_step: int

    def _set_warmup(self, ratio: float, start_factor: float, end: int) -> int:
        """Prepare mmengine's recursion; return the length of the warm-up."""
        check_interval('[0, 1)', warmup_ratio=ratio)
        steps = round(ratio * end)
        # its last step has the full rate; a single one would never leave
        # that of the start
        self.warmup = steps if steps > 1 else 0
        self.start_factor, self.end_factor = start_factor, 1.0
        self.total_iters = self.warmup - 1
        return self.warmup

    def _get_value(self) -> list[float]:
        parent: Any = super()
        if self.last_step < self.warmup:
            linear: Any = LinearParamScheduler
            return linear._get_value(self)
        # the other scheduler counts from the end of the warm-up
        self.last_step -= self.warmup
        values = parent._get_value()
        self.last_step += self.warmup
        return values

    @classmethod
    def build_iter_from_epoch(
        cls: Any, *args: Any, end: int, epoch_length: int, **options: Any
    ) -> Any:
        """Build it to step after every iteration."""
        options['by_epoch'] = False
        return cls(*args, end=end * epoch_length, **options)


@PARAM_SCHEDULERS.register_module()
class WarmupCosineLR(_Warmup, CosineAnnealingLR):
    """Rise linearly to the full rate, then fall on a half cosine.

    Args:
        optimizer: Wrapper whose rates are set.
        end: Length of the training; set by mmengine.
        warmup_ratio: Length of the warm-up as a ratio of ``end``, in [0, 1).
        start_factor: Ratio of the full rate at the first step.
        options: Options of mmengine's ``CosineAnnealingLR``, as ``eta_min``.
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        end: int,
        warmup_ratio: float,
        start_factor: float = 1e-9,
        **options: Any,
    ) -> None:
        warmup = self._set_warmup(warmup_ratio, start_factor, end)
        super().__init__(optimizer, T_max=end - warmup, end=end, **options)


@PARAM_SCHEDULERS.register_module()
class WarmupMultiStepLR(_Warmup, MultiStepLR):
    """Rise linearly to the full rate, then fall by a factor at milestones.

    Args:
        optimizer: Wrapper whose rates are set.
        end: Length of the training; set by mmengine.
        milestone_ratios: When the rate falls, as ratios of ``end`` in (0, 1).
        warmup_ratio: Length of the warm-up as a ratio of ``end``, in [0, 1).
        start_factor: Ratio of the full rate at the first step.
        options: Options of mmengine's ``MultiStepLR``, such as ``gamma``.
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        end: int,
        milestone_ratios: Sequence[float],
        warmup_ratio: float,
        start_factor: float = 1e-9,
        **options: Any,
    ) -> None:
        warmup = self._set_warmup(warmup_ratio, start_factor, end)
        for ratio in milestone_ratios:
            check_interval('(0, 1)', milestone_ratio=ratio)
        steps = [round(ratio * end) - warmup for ratio in milestone_ratios]
        super().__init__(optimizer, milestones=steps, end=end, **options)
