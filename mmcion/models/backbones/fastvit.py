"""FastViT in the variant of the published weights."""

from __future__ import annotations

from typing import ClassVar

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class FastViT(TimmBackbone):
    """FastViT with its training-time branches, not reparametrised.

    Args:
        arch: ``'s12'``, ``'sa12'`` or ``'sa24'``.
        kwargs: Passed on to ``timm.models.FastVit``.
    """

    archs: ClassVar[dict[str, str]] = {
        's12': 'fastvit_s12',
        'sa12': 'fastvit_sa12',
        'sa24': 'fastvit_sa24',
    }
