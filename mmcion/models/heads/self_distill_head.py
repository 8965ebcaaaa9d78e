"""SelfDistillHead: loss, teacher temperature and centre of CION."""

from __future__ import annotations

import torch
from mmengine import MessageHub
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmcion.models.losses import identity_distill_loss, tiled_distill_loss
from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least, check_interval


@MODELS.register_module()
class SelfDistillHead(nn.Module):
    """Compare student and teacher logits, and keep the running centre.

    Source: CION (NeurIPS 2024); the centre is DINO's. The loss of a step
    uses the centre before that step's update. While ``moves_center`` is
    False, as for all but the last batch of a step that accumulates
    gradients, rows are only collected.

    Args:
        num_prototypes: Number of prototypes C; the ``CION`` model sets it to
            that of its projector.
        student_temp: Temperature of the student's softmax.
        teacher_temp: Temperature of the teacher's softmax after warm-up.
        warmup_teacher_temp: Temperature at the first epoch; equal to
            ``teacher_temp`` in the published runs, that is, no warm-up.
        warmup_teacher_temp_epochs: Number of epochs over which it rises
            linearly.
        center_momentum: Fraction of the old centre that is kept each step.
        chunk_size: Number of prototypes whose student logits exist at a time,
            see ``tiled_distill_loss``; None for all.
    """

    center: Tensor
    center_sum: Tensor

    def __init__(
        self,
        num_prototypes: int,
        student_temp: float = 0.1,
        teacher_temp: float = 0.04,
        warmup_teacher_temp: float | None = None,
        warmup_teacher_temp_epochs: int = 0,
        center_momentum: float = 0.9,
        chunk_size: int | None = None,
    ) -> None:
        super().__init__()
        check_interval(
            '(0, inf)', student_temp=student_temp, teacher_temp=teacher_temp
        )
        if chunk_size is not None:
            check_at_least(1, chunk_size=chunk_size)
        self.student_temp = student_temp
        self.teacher_temp = teacher_temp
        self.warmup_teacher_temp = warmup_teacher_temp or teacher_temp
        self.warmup_epochs = warmup_teacher_temp_epochs
        self.center_momentum = center_momentum
        self.chunk_size = chunk_size
        self.moves_center = True
        self.register_buffer('center', torch.zeros(num_prototypes))
        # (C + 1,) sum of the teacher's rows since the centre moved; number
        self.register_buffer('center_sum', torch.zeros(num_prototypes + 1))

    def current_teacher_temp(self) -> float:
        """Return the teacher's temperature at the runner's epoch."""
        epoch = MessageHub.get_current_instance().get_info('epoch', 0)
        if epoch >= self.warmup_epochs:
            return self.teacher_temp
        ratio = epoch / max(self.warmup_epochs - 1, 1)
        start = self.warmup_teacher_temp
        return start + ratio * (self.teacher_temp - start)

    def loss(
        self,
        student: Tensor,
        teacher: Tensor,
        pids: Tensor,
        prototypes: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the loss of a batch, then update the centre.

        Args:
            student: ``(V, B, C)`` raw logits; with ``chunk_size``, the
                features ``(V, B, D)`` before the prototypes.
            teacher: ``(2, B, C)`` raw logits.
            pids: ``(B,)``.
            prototypes: ``(C, D)``, with ``chunk_size`` only.
        """
        temps = {
            'student_temp': self.student_temp,
            'teacher_temp': self.current_teacher_temp(),
        }
        if self.chunk_size is None:
            loss = identity_distill_loss(
                student, teacher, self.center, pids, **temps
            )
        else:
            assert prototypes is not None
            loss = tiled_distill_loss(
                student,
                prototypes,
                teacher,
                self.center,
                pids,
                chunk_size=self.chunk_size,
                **temps,
            )
        self.update_center(teacher)
        return {'loss': loss}

    @torch.no_grad()
    def update_center(self, teacher: Tensor) -> None:
        """Collect the teacher logits of all ranks; move the centre if due."""
        # (2, B, C) -> (2 B, C); their number is summed as well, since ranks
        # may differ in it
        rows = teacher.detach().flatten(0, -2).to(self.center.dtype)
        total = torch.cat((rows.sum(0), rows.new_tensor([len(rows)])))
        all_reduce(total)
        self.center_sum += total
        if self.moves_center:
            # DINO: c <- m c + (1 - m) mean of the teacher's rows
            mean = self.center_sum[:-1] / self.center_sum[-1]
            self.center.lerp_(mean, 1 - self.center_momentum)
            self.center_sum.zero_()
