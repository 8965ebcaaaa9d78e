"""EdgeNeXt in the variant of the published weights."""

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class EdgeNeXt(TimmBackbone):
    """EdgeNeXt; the feature is normalised after the global pooling."""

    archs = ('x_small', 'small', 'base')
    timm_name = 'edgenext_{}'
    min_size = 32
    ends_in_vector = True
    torch_init = True
