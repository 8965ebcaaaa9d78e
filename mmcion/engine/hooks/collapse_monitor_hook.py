"""CollapseMonitorHook: does the teacher still tell images apart?"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.engine.unwrap import unwrapped_model
from mmcion.registry import HOOKS
from mmcion.utils.checks import check_at_least


@HOOKS.register_module()
class CollapseMonitorHook(Hook):
    """Log two numbers that show how self-distillation collapses.

    ``teacher_entropy``: entropy in nats of the teacher's output, averaged
    over the images of all ranks. It falls to 0 when one prototype takes all;
    ln C means that all are used, or that every output is uniform.
    ``feature_std``: standard deviation of the teacher's L2-normalised pooled
    features over the images, averaged over dimensions. It falls to 0 when
    all images look alike; random directions have 1/sqrt(d). Source of the
    latter: SimSiam (CVPR 2021), section 4.1.

    Args:
        interval: Iterations between two measurements.
    """

    # before the logger collects, whatever the order in the config
    priority = 'NORMAL'

    def __init__(self, interval: int = 50) -> None:
        check_at_least(1, interval=interval)
        self.interval = interval
        self._is_active = False
        self._sums: list[Tensor] = []

    def before_train(self, runner: Runner) -> None:
        """Attach to the teacher's projector."""
        model = unwrapped_model(runner)

        def collect(_: nn.Module, inputs: Any, logits: Tensor) -> None:
            if self._is_active:
                # here, because the centre moves after the loss
                self._sums = _sums(inputs[0], logits, model.head)

        model.teacher.projector.register_forward_hook(collect)

    def before_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Decide whether this iteration is measured."""
        self._is_active = self.every_n_train_iters(runner, self.interval)

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Log the numbers over the images of all ranks."""
        if not self._is_active:
            return
        for part in self._sums:
            all_reduce(part)
        outputs_C, feats_D, squares_D, count = self._sums
        # over the images of all ranks: E[q], and Var f = E[f^2] - E[f]^2
        mean = outputs_C / count
        variance = squares_D / count - (feats_D / count).square()
        entropy = torch.special.entr(mean).sum().item()
        std = variance.clamp_min(0).sqrt().mean().item()
        hub = runner.message_hub
        hub.update_scalar('train/teacher_entropy', entropy)
        hub.update_scalar('train/feature_std', std)
        self._is_active, self._sums = False, []


@torch.no_grad()
def _sums(feats: Tensor, logits: Tensor, head: Any) -> list[Tensor]:
    """Return the sums of outputs, unit features, their squares, and N."""
    # (N, d) features and (N, C) raw logits -> (C,), (d,), (d,) and (1,), in
    # float64, so that the variance keeps its digits
    wide = torch.promote_types(logits.dtype, torch.float32)
    centred = logits.to(wide) - head.center.to(wide)
    q = (centred / head.teacher_temp).softmax(1)
    unit = normalize(feats.double(), dim=1)
    count = unit.new_tensor([len(unit)])
    return [q.double().sum(0), unit.sum(0), unit.square().sum(0), count]
