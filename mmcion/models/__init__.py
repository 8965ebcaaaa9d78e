from .architectures import (
    Architecture,
    build_backbone,
    find_architecture,
    get_architecture,
    list_architectures,
)
from .backbones import *  # noqa: F403
from .data_preprocessor import ReIDDataPreprocessor
from .heads import ReIDHead, SelfDistillHead
from .losses import (
    TripletLoss,
    batch_hard_triplet_loss,
    identity_distill_loss,
    tiled_distill_loss,
)
from .necks import BNNeck, Projector
from .pretrainers import CION
from .reid import ReIDModel

__all__ = [
    'CION',
    'Architecture',
    'BNNeck',
    'Projector',
    'ReIDDataPreprocessor',
    'ReIDHead',
    'ReIDModel',
    'SelfDistillHead',
    'TripletLoss',
    'batch_hard_triplet_loss',
    'build_backbone',
    'find_architecture',
    'get_architecture',
    'identity_distill_loss',
    'list_architectures',
    'tiled_distill_loss',
]
