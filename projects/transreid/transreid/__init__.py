from .jpm_head import JPMHead
from .jpm_neck import JPMNeck
from .noise_erasing import NoiseErasing
from .side_embedding import SideEmbedding
from .transreid_vit import TransReIDViT, jigsaw_order

__all__ = [
    'JPMHead',
    'JPMNeck',
    'NoiseErasing',
    'SideEmbedding',
    'TransReIDViT',
    'jigsaw_order',
]
