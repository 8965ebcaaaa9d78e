"""Identity-guided self-distillation loss of CION, in closed form.

Shapes: V views (2 global, then local), B images, C prototypes, P identities.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
    ``docs/concepts/distillation.md``. One view is worked on at a time, in
    the same memory, so nothing of size V x B x C is made beside the logits
    and their gradient.

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
    check_shapes(student.shape, teacher, center, pids)
    # an enabled autocast would turn the target sums into half precision
    with torch.autocast(student.device.type, enabled=False):
        return _IdentityDistill.apply(
            student if torch.is_grad_enabled() else student.detach(),
            teacher.detach(),
            center.detach().flatten(),
            pids,
            student_temp,
            teacher_temp,
        )


def check_shapes(
    student: tuple[int, ...], teacher: Tensor, center: Tensor, pids: Tensor
) -> None:
    """Check the loss's inputs against the shape of the student's logits.

    Raises:
        ValueError: if shapes do not fit each other.
    """
    if len(student) != 3 or student[0] < NUM_TEACHER_VIEWS:
        raise ValueError(
            f'student must be (V, B, C) with V >= 2; got {tuple(student)}'
        )
    expected = (NUM_TEACHER_VIEWS, *student[1:])
    if teacher.shape != expected:
        raise ValueError(
            f'teacher must be {expected}; got {tuple(teacher.shape)}'
        )
    if center.numel() != student[2]:
        raise ValueError(
            f'center must hold {student[2]} values; got {tuple(center.shape)}'
        )
    if pids.shape != student[1:2]:
        raise ValueError(
            f'pids must be ({student[1]},), one per image; got '
            f'{tuple(pids.shape)}'
        )


class Positives(NamedTuple):
    """Which rows belong together, and what they count.

    Attributes:
        group: ``(B,)`` number of the row's identity.
        counts: ``(P,)`` K of every identity.
        mass: ``(B,)`` sum K - 1 + 1/K of a target from one teacher view.
        weight: ``(B,)`` of the row's cross-entropy in the loss.
    """

    group: Tensor
    counts: Tensor
    mass: Tensor
    weight: Tensor

    @classmethod
    def of(cls, pids: Tensor, num_views: int, dtype: torch.dtype) -> Positives:
        """Find the groups of equal ``pids``."""
        _, group, counts = pids.unique(return_inverse=True, return_counts=True)
        size = counts[group].to(dtype)
        pairs = NUM_TEACHER_VIEWS * (num_views - 1)
        weight = 1 / ((size * (size - 1) + 1) * len(counts) * pairs)
        return cls(group, counts, size - 1 + 1 / size, weight)

    def targets(self, probabilities: list[Tensor]) -> list[Tensor]:
        """Return the targets of view 0, view 1 and of all local views.

        A global view is not compared with the teacher's own view of it.

        Args:
            probabilities: the teacher's of both views, ``(B, C)`` each, of
                all prototypes or of some.
        """
        first, second = (self._target(q) for q in probabilities)
        return [second, first, first + second]

    def masses(self, num_views: int) -> Tensor:
        """Return the sums ``(V, B)`` of the targets."""
        teachers = self.mass.new_full((num_views, 1), NUM_TEACHER_VIEWS)
        teachers[:NUM_TEACHER_VIEWS] = 1
        return teachers * self.mass

    def _target(self, q: Tensor) -> Tensor:
        """Return sum_i q_i - (1 - 1/K) q_j of every row j, ``(B, C)``."""
        sums = q.new_zeros(len(self.counts), q.shape[1])
        sums.index_add_(0, self.group, q)
        own = 1 / self.counts[self.group].to(q.dtype) - 1
        return sums.index_select(0, self.group).addcmul_(q, own[:, None])


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
        positives = Positives.of(pids, len(student), wide)
        shift = center.to(wide) / -teacher_temp
        targets = positives.targets(
            [
                torch.add(shift, view, alpha=1 / teacher_temp).softmax(1)
                for view in teacher
            ]
        )
        ctx.student_temp = student_temp
        ctx.save_for_backward(student, *targets, *positives)
        # wide probabilities become the gradient; beside narrow logits they
        # would take twice their memory and are made again
        keeps = ctx.needs_input_grad[0] and student.dtype == wide
        p = torch.empty_like(student) if keeps else _scratch(student, wide)
        ctx.probabilities = p if keeps else None
        scaled = torch.empty_like(targets[0])
        top, dot = student.new_empty(2, *student.shape[:2], dtype=wide)
        for v, logits in enumerate(student):
            _softmax(logits, student_temp, scaled, out=p[v])
            torch.amax(p[v], 1, out=top[v])
            scaled.mul_(targets[min(v, NUM_TEACHER_VIEWS)])
            torch.sum(scaled, 1, out=dot[v])
        lse = -top.log()  # the largest of ``scaled`` was 0
        masses = positives.masses(len(student))
        return (positives.weight * (masses * lse - dot)).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        student, *targets = ctx.saved_tensors[:4]
        positives = Positives(*ctx.saved_tensors[4:])
        # a loss scale comes in before a narrow type could lose small values
        weight = (positives.weight / ctx.student_temp * grad_output)[:, None]
        pushes = positives.masses(len(student))[..., None] * weight
        # a second backward pass finds none
        p, ctx.probabilities = ctx.probabilities, None
        kept = p is not None
        if kept:
            grad = p
        else:
            grad = torch.empty_like(student)
            p = _scratch(student, weight.dtype)
            scaled = torch.empty_like(p[0])
        for v, logits in enumerate(student):
            if v <= NUM_TEACHER_VIEWS:  # all local views share a target
                pull = targets[v] * -weight
            if not kept:
                _softmax(logits, ctx.student_temp, scaled, out=p[v])
            torch.addcmul(pull, p[v], pushes[v], out=grad[v])
        return (grad, *[None] * 5)


def _scratch(student: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``(V, B, C)`` in which all views share the same memory."""
    return torch.empty_like(student[0], dtype=dtype).expand(student.shape)


def _softmax(
    logits: Tensor, temp: float, scaled: Tensor, *, out: Tensor
) -> None:
    """Write logits over ``temp``, less their maximum, and their softmax."""
    shift = logits.amax(1, keepdim=True).to(scaled.dtype) / -temp
    torch.add(shift, logits, alpha=1 / temp, out=scaled)
    torch.softmax(scaled, 1, out=out)
