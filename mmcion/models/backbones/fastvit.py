"""FastViT in the variant of the published weights."""

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class FastViT(TimmBackbone):
    """FastViT with its training-time branches, not reparametrised."""

    archs = ('s12', 'sa12', 'sa24')
    timm_name = 'fastvit_{}'
