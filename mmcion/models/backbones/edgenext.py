"""EdgeNeXt in the variant of the published weights."""

from __future__ import annotations

from typing import Any, ClassVar

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone, reset_to_torch_default


@MODELS.register_module()
class EdgeNeXt(TimmBackbone):
    """EdgeNeXt; the feature is normalised after the global pooling.

    Starts from PyTorch's default initialisation, as CION's runs did.

    Args:
        arch: ``'x_small'``, ``'small'`` or ``'base'``.
        kwargs: Passed on to ``timm.models.EdgeNeXt``.
    """

    archs: ClassVar[dict[str, str]] = {
        'x_small': 'edgenext_x_small',
        'small': 'edgenext_small',
        'base': 'edgenext_base',
    }
    min_size = 32
    ends_in_vector = True

    def __init__(self, arch: str, **kwargs: Any) -> None:
        super().__init__(arch, **kwargs)
        reset_to_torch_default(self.model)
