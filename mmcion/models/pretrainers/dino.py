"""DINO: self-distillation without identities."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample

from .cion import CION


@MODELS.register_module()
class DINO(CION):
    """``CION`` with every image as an identity of its own.

    Its loss is DINO's then (derived). As in DINO's code, the teacher is built
    without drop path, whatever the student's rate is. Source: DINO (ICCV
    2021), and TransReID-SSL (arXiv 2111.12084) for persons.

    Args:
        options: See ``CION``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # by name, since every library has a class of its own
        for module in self.teacher.modules():
            if type(module).__name__ in ('DropPath', 'StochasticDepth'):
                name = 'drop_prob' if hasattr(module, 'drop_prob') else 'p'
                setattr(module, name, 0.0)

    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the losses of V views ``(B, 3, h, w)`` of a batch."""
        own = torch.arange(len(views[0]), device=views[0].device)
        return self.distill(views, own)
