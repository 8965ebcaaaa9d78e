from .backbones import *  # noqa: F403
from .converters import convert_reidzoo
from .data_preprocessor import ReIDDataPreprocessor
from .heads import SelfDistillHead
from .losses import identity_distill_loss, tiled_distill_loss
from .necks import Projector
from .pretrainers import CION
from .reid import ReIDModel
from .zoo import (
    Architecture,
    build_backbone,
    get_architecture,
    list_architectures,
)

__all__ = [
    'CION',
    'Architecture',
    'Projector',
    'ReIDDataPreprocessor',
    'ReIDModel',
    'SelfDistillHead',
    'build_backbone',
    'convert_reidzoo',
    'get_architecture',
    'identity_distill_loss',
    'list_architectures',
    'tiled_distill_loss',
]
