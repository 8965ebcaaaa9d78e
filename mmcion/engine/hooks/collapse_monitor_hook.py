"""CollapseMonitorHook: is the teacher still telling images apart?"""

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
        interval: iterations between two measurements.

    Raises:
        ValueError: if ``interval`` < 1.
    """

    # before the logger collects, whatever the order in the config
    priority = 'NORMAL'

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(f'interval must be >= 1; got {interval}')
        self.interval = interval
        self._watching = False
        self._sums: list[Tensor] = []

    def before_train(self, runner: Runner) -> None:
        """Attach to the teacher's projector."""
        model = unwrapped_model(runner)
        head = model.head

        def collect(_: nn.Module, inputs: Any, logits: Tensor) -> None:
            if self._watching:
                temp = head.current_teacher_temp()
                self._sums = _sums(inputs[0], logits, head.center, temp)

        model.teacher.projector.register_forward_hook(collect)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Decide whether this iteration is measured."""
        self._watching = self.every_n_train_iters(runner, self.interval)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Log the numbers of all ranks' images."""
        if not self._watching:
            return
        for part in self._sums:
            all_reduce(part)
        outputs_C, feats_D, squares_D, count = self._sums
        mean = outputs_C / count
        variance = squares_D / count - (feats_D / count).square()
        scalars = {
            'teacher_entropy': torch.special.entr(mean).sum(),
            'feature_std': variance.clamp_min(0).sqrt().mean(),
        }
        for name, value in scalars.items():
            runner.message_hub.update_scalar(f'train/{name}', value.item())
        self._watching, self._sums = False, []


@torch.no_grad()
def _sums(
    feats: Tensor, logits: Tensor, center: Tensor, temp: float
) -> list[Tensor]:
    """Return what ranks add up: outputs, features, squares and a count.

    Args:
        feats: ``(N, d)`` pooled features.
        logits: ``(N, C)`` raw logits of the teacher.
        center: ``(C,)``.
        temp: temperature of the teacher.
    """
    wide = torch.promote_types(logits.dtype, torch.float32)
    q = ((logits.to(wide) - center.to(wide)) / temp).softmax(1)
    unit = normalize(feats.double(), dim=1)
    count = unit.new_tensor([len(unit)])
    return [q.double().sum(0), unit.sum(0), unit.square().sum(0), count]
