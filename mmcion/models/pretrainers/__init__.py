from .base_pretrainer import BasePretrainer
from .cion import CION

__all__ = ['CION', 'BasePretrainer']
