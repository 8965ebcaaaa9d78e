"""JPMHead: a classifier for the whole image and one for each part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmcion.models import ReIDHead
from mmcion.registry import MODELS


@MODELS.register_module()
class JPMHead(nn.Module):
    """Train 1 + P features, half for the image and half for its P parts.

    Source: He et al., "TransReID" (ICCV 2021), equation 4 with the weights
    of its code.

    Args:
        num_classes: See ``ReIDHead``.
        in_channels: Dimensions (1 + P) d of all features.
        num_parts: Number P of parts.
        options: Further options of every ``ReIDHead``, such as ``triplet``.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        num_parts: int = 4,
        **options: Any,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_parts = num_parts
        width = in_channels // (1 + num_parts)
        self.heads = nn.ModuleList(
            ReIDHead(num_classes, width, **options)
            for _ in range(1 + num_parts)
        )

    def loss(
        self, before: Tensor, after: Tensor, pids: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return the losses of ``ReIDHead``, weighted.

        Args:
            before: ``(N, (1 + P) d)`` of ``JPMNeck`` before normalising.
            after: ``(N, (1 + P) d)`` after normalising.
            pids: N labels in [0, ``num_classes``).
        """
        total: dict[str, Tensor] = {}
        pieces = (feats.chunk(len(self.heads), 1) for feats in (before, after))
        for number, (head, first, second) in enumerate(
            zip(self.heads, *pieces, strict=True)
        ):
            # the neck has divided parts by P
            scale = self.num_parts if number else 1
            losses = head.loss(first * scale, second * scale, pids)
            for name, loss in losses.items():
                total[name] = total.get(name, 0) + loss / (2 * scale)
        return total
