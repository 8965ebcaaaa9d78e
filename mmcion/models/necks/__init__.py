from .bn_neck import BNNeck
from .projector import Projector

__all__ = ['BNNeck', 'Projector']
