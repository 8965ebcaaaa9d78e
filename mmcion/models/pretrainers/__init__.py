from .base_pretrainer import BasePretrainer
from .cion import CION
from .mmgl import MMGL

__all__ = ['CION', 'MMGL', 'BasePretrainer']
