from .backbones import *  # noqa: F403
from .data_preprocessor import ReIDDataPreprocessor
from .heads import SelfDistillHead
from .losses import identity_distill_loss, tiled_distill_loss
from .necks import Projector
from .pretrainers import CION
from .reid import ReIDModel

__all__ = [
    'CION',
    'Projector',
    'ReIDDataPreprocessor',
    'ReIDModel',
    'SelfDistillHead',
    'identity_distill_loss',
    'tiled_distill_loss',
]
