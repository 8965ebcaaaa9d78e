from .bn_neck import BNNeck
from .gem_pooling import GeneralizedMeanPooling
from .part_projector import PartProjector
from .projector import Projector

__all__ = ['BNNeck', 'GeneralizedMeanPooling', 'PartProjector', 'Projector']
