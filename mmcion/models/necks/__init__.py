"""Between backbone and head: pooling, embedding, projection."""

from .bn_neck import BNNeck
from .gem_pooling import GeneralizedMeanPooling
from .projector import Projector

__all__ = ['BNNeck', 'GeneralizedMeanPooling', 'Projector']
