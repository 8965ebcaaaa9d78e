from .reid_head import ReIDHead
from .self_distill_head import SelfDistillHead

__all__ = ['ReIDHead', 'SelfDistillHead']
