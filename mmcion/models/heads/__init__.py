"""Classifiers and losses on top of a neck."""

from .circle_softmax import CircleSoftmax
from .permutation_head import PermutationHead
from .pnl_head import PNLHead
from .reid_head import ReIDHead
from .self_distill_head import SelfDistillHead

__all__ = [
    'CircleSoftmax',
    'PNLHead',
    'PermutationHead',
    'ReIDHead',
    'SelfDistillHead',
]
