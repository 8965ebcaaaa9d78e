"""Identity-guided self-distillation loss of CION, in closed form.

Shapes: V views (2 global, then local), B images, C prototypes, P identities.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

NUM_TEACHER_VIEWS = 2


def identity_distill_loss(
    student: Tensor,
    teacher: Tensor,
    center: Tensor,
    pids: Tensor,
    *,
    student_temp: float = 0.1,
    teacher_temp: float = 0.04,
) -> Tensor:
    """Compute CION's loss without a loop over pairs.

    Every student row is pulled towards the teacher's distributions of all
    images of its identity in the batch, its own image weighted 1/K. Summed
    over pairs this is one cross-entropy with a soft target per student row,
    so the cost does not depend on K. Positives come from ``pids``, never
    from row order. Identities may differ in size (ours); one with a single
    row contributes DINO's term.

    Source: CION, identity-guided self-distillation; algebra in
    ``docs/concepts/distillation.md``. The gradient is made in the forward
    pass, so nothing of size V x B x C is kept beside it.

    Args:
        student: ``(V, B, C)`` raw logits, views 0 and 1 the global ones.
        teacher: ``(2, B, C)`` raw logits of the global views; no gradient.
        center: ``(C,)`` or ``(1, C)``, subtracted from teacher logits.
        pids: ``(B,)`` integers.
        student_temp: positive temperature of the student.
        teacher_temp: positive temperature of the teacher.

    Returns:
        Scalar, float32 or wider.

    Raises:
        ValueError: if shapes do not fit each other.
    """
    _check_shapes(student, teacher, center, pids)
    # an enabled autocast would turn the target sums into half precision
    with torch.autocast(student.device.type, enabled=False):
        return _IdentityDistill.apply(
            student,
            teacher.detach(),
            center.detach().reshape(-1),
            pids,
            student_temp,
            teacher_temp,
        )


def _check_shapes(
    student: Tensor, teacher: Tensor, center: Tensor, pids: Tensor
) -> None:
    if student.dim() != 3 or student.shape[0] < NUM_TEACHER_VIEWS:
        raise ValueError(
            f'student must be (V, B, C) with V >= 2; got {student.shape}'
        )
    expected = (NUM_TEACHER_VIEWS, *student.shape[1:])
    if teacher.shape != expected:
        raise ValueError(f'teacher must be {expected}; got {teacher.shape}')
    if center.numel() != student.shape[2]:
        raise ValueError(
            f'center must hold {student.shape[2]} values; got {center.shape}'
        )
    if pids.shape != student.shape[1:2]:
        raise ValueError(
            f'pids must be ({student.shape[1]},), one per image; got '
            f'{tuple(pids.shape)}'
        )


class _IdentityDistill(Function):
    @staticmethod
    def forward(
        ctx: Any,
        student: Tensor,
        teacher: Tensor,
        center: Tensor,
        pids: Tensor,
        student_temp: float,
        teacher_temp: float,
    ) -> Tensor:
        wide = torch.promote_types(student.dtype, torch.float32)
        group, size = _groups(pids, wide)
        targets = [
            _targets(view, center, group, size, teacher_temp, wide)
            for view in teacher
        ]
        pairs = NUM_TEACHER_VIEWS * (len(student) - 1)
        num_ids = group.max() + 1
        weight = 1 / ((size * (size - 1) + 1) * num_ids * pairs)
        mass = size - 1 + 1 / size
        needs_grad = student.requires_grad
        grad = torch.empty_like(student) if needs_grad else None
        loss = torch.zeros((), dtype=wide, device=student.device)
        both = targets[0] + targets[1] if len(student) > 2 else None
        for v, logits in enumerate(student):
            # a global view is not compared with the teacher's own view of it
            target = targets[1 - v] if v < 2 else both
            n_teachers = 1 if v < 2 else NUM_TEACHER_VIEWS
            scaled = logits.to(wide) / student_temp
            lse = scaled.logsumexp(1)
            loss += (
                weight * (n_teachers * mass * lse - (target * scaled).sum(1))
            ).sum()
            if grad is not None:
                scaled.sub_(lse[:, None]).exp_()
                scaled.mul_((n_teachers * mass)[:, None]).sub_(target)
                scaled.mul_((weight / student_temp)[:, None])
                grad[v] = scaled
        ctx.grad = grad
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        grad = ctx.grad
        return (grad * grad_output.to(grad.dtype), *[None] * 5)


def _groups(pids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return each row's group number and group size, ``(B,)`` both."""
    _, group, counts = pids.unique(return_inverse=True, return_counts=True)
    return group, counts[group].to(dtype)


def _targets(
    logits: Tensor,
    center: Tensor,
    group: Tensor,
    size: Tensor,
    temp: float,
    dtype: torch.dtype,
) -> Tensor:
    """Return sum_i q_i - (1 - 1/K) q_j of every row j, ``(B, C)``."""
    q = ((logits.to(dtype) - center.to(dtype)) / temp).softmax(1)
    sums = torch.zeros_like(q).index_add_(0, group, q)
    return sums[group] - q * (1 - 1 / size)[:, None]
