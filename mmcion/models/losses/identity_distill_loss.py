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
            student,
            teacher.detach(),
            center.detach().flatten().clone(),  # it moves before backward
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
    """Which rows belong together, and what they count; ``(B,)`` each.

    Attributes:
        group: number of the row's identity.
        size: K of the row's identity.
        mass: sum K - 1 + 1/K of a target from one teacher view.
        weight: of the row's cross-entropy in the loss.
    """

    group: Tensor
    size: Tensor
    mass: Tensor
    weight: Tensor

    @classmethod
    def of(cls, pids: Tensor, num_views: int, dtype: torch.dtype) -> Positives:
        """Find the groups of equal ``pids``."""
        _, group, counts = pids.unique(return_inverse=True, return_counts=True)
        size = counts[group].to(dtype)
        pairs = NUM_TEACHER_VIEWS * (num_views - 1)
        weight = 1 / ((size * (size - 1) + 1) * len(counts) * pairs)
        return cls(group, size, size - 1 + 1 / size, weight)

    def targets(self, probabilities: list[Tensor]) -> list[Tensor]:
        """Return the targets of view 0, view 1 and of all local views.

        A global view is not compared with the teacher's own view of it.

        Args:
            probabilities: the teacher's of both views, ``(B, C)`` each, of
                all prototypes or of some; may be overwritten.
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
        sums = torch.zeros_like(q).index_add_(0, self.group, q)[self.group]
        return sums.sub_(q.mul_((1 - 1 / self.size)[:, None]))


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
        targets = positives.targets(
            [
                ((view.to(wide) - center.to(wide)) / teacher_temp).softmax(1)
                for view in teacher
            ]
        )
        dot = student.new_empty(student.shape[:2], dtype=wide)
        scaled, log_p = (torch.empty_like(targets[0]) for _ in range(2))
        for v, logits in enumerate(student):
            _scale(logits, student_temp, out=scaled)
            torch.log_softmax(scaled, 1, out=log_p)
            target = targets[min(v, NUM_TEACHER_VIEWS)]
            dot[v] = torch.linalg.vecdot(target, log_p)
        ctx.student_temp = student_temp
        ctx.save_for_backward(student, *targets, *positives)
        return -(positives.weight * dot).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        student, *targets = ctx.saved_tensors[:4]
        positives = Positives(*ctx.saved_tensors[4:])
        # a loss scale comes in before a narrow type could lose small values
        weight = (positives.weight / ctx.student_temp * grad_output)[:, None]
        pushes = positives.masses(len(student))[..., None] * weight
        grad = torch.empty_like(student)
        scaled, p = (torch.empty_like(targets[0]) for _ in range(2))
        for v, logits in enumerate(student):
            if v <= NUM_TEACHER_VIEWS:  # all local views share a target
                pull = targets[v] * -weight
            _scale(logits, ctx.student_temp, out=scaled)
            torch.softmax(scaled, 1, out=p)
            torch.addcmul(pull, p, pushes[v], out=grad[v])
        return (grad, *[None] * 5)


def _scale(logits: Tensor, temp: float, *, out: Tensor) -> None:
    # by a vector: by a number, narrow logits would stay narrow until the end
    torch.mul(logits, out.new_tensor([1 / temp]), out=out)
