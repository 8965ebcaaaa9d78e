"""CION's loss together with the prototype layer, in chunks of prototypes.

The formulas are those of ``identity_distill_loss``.

Shapes: V views (2 global, then local), B images, C prototypes, c of a chunk,
D dimensions of the features before the prototype layer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mmcion.utils.checks import check_at_least

from .identity_distill_loss import (
    NUM_TEACHER_VIEWS,
    Positives,
    check_shapes,
)


def tiled_distill_loss(
    feats: Tensor,
    prototypes: Tensor,
    teacher: Tensor,
    center: Tensor,
    pids: Tensor,
    *,
    chunk_size: int,
    student_temp: float = 0.1,
    teacher_temp: float = 0.04,
) -> Tensor:
    """Compute ``identity_distill_loss`` of ``feats @ prototypes.T``.

    The student's logits exist for one chunk of prototypes at a time: a first
    pass sums exponentials, the backward pass computes the chunks again. That
    is a second matrix product in exchange for V x B x C logits and as large a
    gradient. Under autocast the products run in its type, like a linear
    layer, and everything else in float32.

    ``feats`` are ``(V, B, D)``, views 0 and 1 the global ones, ``prototypes``
    the ``(C, D)`` weight of the last layer; the last chunk may be smaller.
    The other arguments are those of ``identity_distill_loss``.
    """
    check_at_least(1, chunk_size=chunk_size)
    check_shapes((*feats.shape[:-1], len(prototypes)), teacher, center, pids)
    feats, prototypes = _like_linear(feats), _like_linear(prototypes)
    with torch.autocast(feats.device.type, enabled=False):
        return _TiledDistill.apply(
            feats,
            prototypes,
            teacher.detach(),
            # a copy, since the centre moves before the backward pass
            center.detach().flatten().clone(),
            pids,
            chunk_size,
            student_temp,
            teacher_temp,
        )


def _like_linear(x: Tensor) -> Tensor:
    """Cast as autocast does for a linear layer."""
    device = x.device.type
    if torch.is_autocast_enabled(device) and x.dtype != torch.float64:
        return x.to(torch.get_autocast_dtype(device))
    return x


class _TiledDistill(Function):
    @staticmethod
    def forward(
        ctx: Any,
        feats: Tensor,
        prototypes: Tensor,
        teacher: Tensor,
        center: Tensor,
        pids: Tensor,
        chunk_size: int,
        student_temp: float,
        teacher_temp: float,
    ) -> Tensor:
        wide = torch.promote_types(feats.dtype, torch.float32)
        num_views, batch = feats.shape[:2]
        positives = Positives.from_pids(pids, num_views, wide)
        tiles = _Tiles(
            feats, prototypes, teacher, center, student_temp, teacher_temp
        )
        # columns of every chunk
        starts = range(0, len(prototypes), chunk_size)
        parts = [slice(start, start + chunk_size) for start in starts]
        # log-sum-exp of the teacher over all chunks, (2, B)
        sums = [tiles.teacher_logits(part).logsumexp(2) for part in parts]
        teacher_lse = torch.stack(sums).logsumexp(0)
        # sums over the chunks seen so far: lse(s) and <T, s>, (V, B)
        lse = feats.new_full((num_views, batch), -torch.inf, dtype=wide)
        dot = torch.zeros_like(lse)
        for part in parts:
            scaled = tiles.student_logits(part)
            lse = lse.logaddexp(scaled.logsumexp(2))
            # three targets (B, c); all local views share the last
            targets = positives.targets(tiles.teacher_of(part, teacher_lse))
            for v, view in enumerate(scaled):
                target = targets[min(v, NUM_TEACHER_VIEWS)]
                dot[v] += torch.linalg.vecdot(target, view)
        ctx.parts, ctx.temps = parts, (student_temp, teacher_temp)
        ctx.save_for_backward(
            feats, prototypes, teacher, center, lse, teacher_lse, *positives
        )
        masses = positives.masses(num_views)
        return (positives.weight * (masses * lse - dot)).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, lse, teacher_lse = ctx.saved_tensors[:6]
        positives = Positives(*ctx.saved_tensors[6:])
        tiles = _Tiles(*inputs, *ctx.temps)
        feats, prototypes = tiles.feats, tiles.prototypes
        rows = feats.flatten(0, 1)
        masses = positives.masses(len(feats))[..., None]
        weight = (positives.weight / tiles.student_temp * grad_output)[:, None]
        feat_grad = torch.zeros_like(rows, dtype=lse.dtype)
        proto_grad = torch.empty_like(prototypes)
        for part in ctx.parts:
            # logits (V, B, c) become their gradient w (M softmax(s) - T)
            grad = tiles.student_logits(part)
            grad.sub_(lse[..., None]).exp_().mul_(masses)
            targets = positives.targets(tiles.teacher_of(part, teacher_lse))
            for v, view in enumerate(grad):
                view.sub_(targets[min(v, NUM_TEACHER_VIEWS)]).mul_(weight)
            # (V B, c) x (c, D) adds up over chunks; (c, V B) x (V B, D) fills
            # the chunk's own rows
            flat = grad.to(feats.dtype).flatten(0, 1)
            feat_grad += flat @ prototypes[part]
            proto_grad[part] = flat.T @ rows
        feat_grad = feat_grad.to(feats.dtype).view_as(feats)
        return (feat_grad, proto_grad, *[None] * 6)


class _Tiles(NamedTuple):
    """Inputs of the loss, and their logits for a chunk of prototypes."""

    feats: Tensor
    prototypes: Tensor
    teacher: Tensor
    center: Tensor
    student_temp: float
    teacher_temp: float

    def student_logits(self, part: slice) -> Tensor:
        """Return logits ``(V, B, c)`` over their temperature."""
        logits = self.feats @ self.prototypes[part].T
        wide = torch.promote_types(logits.dtype, torch.float32)
        return logits.to(wide) / self.student_temp

    def teacher_logits(self, part: slice) -> Tensor:
        """Return centred logits ``(2, B, c)`` over their temperature."""
        wide = torch.promote_types(self.feats.dtype, torch.float32)
        logits = self.teacher[..., part].to(wide) - self.center[part].to(wide)
        return logits / self.teacher_temp

    def teacher_of(self, part: slice, lse: Tensor) -> list[Tensor]:
        """Return the teacher's probabilities, ``(B, c)`` of both views."""
        return list(self.teacher_logits(part).sub_(lse[..., None]).exp_())
