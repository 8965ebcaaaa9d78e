"""ConvNeXt in the variant of the published weights."""

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class ConvNeXt(TimmBackbone):
    """ConvNeXt; the feature is normalised after the global pooling."""

    archs = ('tiny', 'small', 'base')
    timm_name = 'convnext_{}'
    min_size = 32
    ends_in_vector = True
    torch_init = True
