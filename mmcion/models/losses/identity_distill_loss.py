"""Identity-guided self-distillation loss of CION, in closed form.

With q = softmax((teacher - centre) / teacher_temp) and s = student /
student_temp, a student row j of view v is compared with one soft target

    T_j^v = sum_a (sum_i q_i^a - (1 - 1/K) q_j^a)

where a runs over the teacher's views other than v and i over the K rows of
j's identity. The target sums to M_j^v = n_v (K - 1 + 1/K) with n_v = 1 for the
global views and 2 for the local ones, so that the cross-entropy is

    L = sum_vj w_j (M_j^v lse(s_j^v) - <T_j^v, s_j^v>)
    dL/dstudent = w_j / student_temp (M_j^v softmax(s_j^v) - T_j^v)

with w_j = 1 / (P (K (K - 1) + 1) 2 (V - 1)).

Shapes: V views (2 global, then local), B images, C prototypes, P identities.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mmcion.utils.checks import UserError

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
    ``docs/concepts/distillation.md``. Views are processed one at a time, in
    the same memory, so nothing of size V x B x C is allocated beside the
    logits and their gradient.

    Args:
        student: ``(V, B, C)`` raw logits, views 0 and 1 the global ones.
        teacher: ``(2, B, C)`` raw logits of the global views; no gradient.
        center: ``(C,)`` or ``(1, C)``, subtracted from teacher logits.
        pids: ``(B,)`` integers.
        student_temp: Positive temperature of the student.
        teacher_temp: Positive temperature of the teacher.

    Returns:
        Scalar, float32 or wider.
    """
    check_shapes(student.shape, teacher, center, pids)
    # autocast would compute the sums of targets in half precision
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
    """Raise unless the inputs fit the shape of the student's logits."""
    if len(student) != 3 or student[0] < NUM_TEACHER_VIEWS:
        raise UserError(f'student must be (V >= 2, B, C); got {(*student,)}.')
    for name, found, expected in (
        ('teacher', teacher.shape, (NUM_TEACHER_VIEWS, *student[1:])),
        ('center', center.flatten().shape, tuple(student[2:])),
        ('pids', pids.shape, tuple(student[1:2])),
    ):
        if found != expected:
            raise UserError(f'{name} must be {expected}; got {tuple(found)}.')


class Positives(NamedTuple):
    """Which rows share an identity, and their factors in the loss.

    Attributes:
        group: ``(B,)`` index of the row's identity.
        counts: ``(P,)`` K of every identity.
        mass: ``(B,)`` sum K - 1 + 1/K of a target from one teacher view.
        weight: ``(B,)`` w_j of the row's cross-entropy.
    """

    group: Tensor
    counts: Tensor
    mass: Tensor
    weight: Tensor

    @classmethod
    def from_pids(
        cls, pids: Tensor, num_views: int, dtype: torch.dtype
    ) -> Positives:
        """Group equal ``pids``."""
        _, group, counts = pids.unique(return_inverse=True, return_counts=True)
        size = counts[group].to(dtype)  # (P,) -> (B,)
        pairs = NUM_TEACHER_VIEWS * (num_views - 1)
        weight = 1 / ((size * (size - 1) + 1) * len(counts) * pairs)
        return cls(group, counts, size - 1 + 1 / size, weight)

    def targets(self, probabilities: list[Tensor]) -> list[Tensor]:
        """Return the targets T of view 0, view 1 and of all local views.

        Args:
            probabilities: q of the teacher's two views, ``(B, C)`` each, of
                all prototypes or of some.
        """
        shape = len(self.counts), probabilities[0].shape[1]
        own = 1 / self.counts[self.group].to(probabilities[0].dtype) - 1
        # (B, C) -> (P, C) sums over identities -> (B, C), less (1 - 1/K) q_j
        first, second = (
            q.new_zeros(shape)
            .index_add_(0, self.group, q)
            .index_select(0, self.group)
            .addcmul_(q, own[:, None])
            for q in probabilities
        )
        # a global view is not compared with the teacher's own view of it
        return [second, first, first + second]

    def masses(self, num_views: int) -> Tensor:
        """Return the sums M ``(V, B)`` of the targets."""
        teachers = self.mass.new_full((num_views, 1), NUM_TEACHER_VIEWS)
        teachers[:NUM_TEACHER_VIEWS] = 1
        return teachers * self.mass


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
        positives = Positives.from_pids(pids, len(student), wide)
        # (2, B, C) logits -> targets (B, C) of views 0, 1 and the local ones
        shift = center.to(wide) / -teacher_temp
        targets = positives.targets(
            [
                torch.add(shift, view, alpha=1 / teacher_temp).softmax(1)
                for view in teacher
            ]
        )
        ctx.student_temp = student_temp
        ctx.save_for_backward(student, *targets, *positives)
        # Wide probabilities are kept and become the gradient in place; beside
        # narrow logits they would take twice their memory, so the backward
        # pass computes them again.
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
        # The largest of ``scaled`` is 0, so the largest softmax is 1 / sum exp
        # and lse(scaled) its negative logarithm. Shifting s by its maximum
        # changes lse and <T, s> / M alike, since T sums to M.
        lse = -top.log()
        masses = positives.masses(len(student))
        return (positives.weight * (masses * lse - dot)).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        student, *targets = ctx.saved_tensors[:4]
        positives = Positives(*ctx.saved_tensors[4:])
        # with the loss scale, before a narrow type could lose small values
        weight = (positives.weight / ctx.student_temp * grad_output)[:, None]
        pushes = positives.masses(len(student))[..., None] * weight
        # taken once: a second backward pass computes them again
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
            # w (M softmax(s) - T), (B, C)
            torch.addcmul(pull, p[v], pushes[v], out=grad[v])
        return (grad, *[None] * 5)


def _scratch(student: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``(V, B, C)`` whose views all share the memory of one."""
    return torch.empty_like(student[0], dtype=dtype).expand(student.shape)


def _softmax(
    logits: Tensor, temp: float, scaled: Tensor, *, out: Tensor
) -> None:
    """Write logits / ``temp`` less their maximum, and their softmax."""
    shift = logits.amax(1, keepdim=True).to(scaled.dtype) / -temp
    torch.add(shift, logits, alpha=1 / temp, out=scaled)
    torch.softmax(scaled, 1, out=out)
