"""Between backbone and head: pooling, embedding, projection."""

from .bn_neck import BNNeck
from .gem_pooling import GeneralizedMeanPooling
from .mlp_projector import MLPProjector
from .part_projector import PartProjector
from .projector import Projector

__all__ = [
    'BNNeck',
    'GeneralizedMeanPooling',
    'MLPProjector',
    'PartProjector',
    'Projector',
]
