from .freeze_backbone_hook import FreezeBackboneHook
from .mgn_backbone import MGNBackbone
from .mgn_head import MGNHead
from .mgn_neck import MGNNeck
from .warmup_hold_cosine_lr import WarmupHoldCosineLR

__all__ = [
    'FreezeBackboneHook',
    'MGNBackbone',
    'MGNHead',
    'MGNNeck',
    'WarmupHoldCosineLR',
]
