"""Models of pre-training."""

from .base_pretrainer import BasePretrainer
from .cion import CION
from .dino import DINO
from .mmgl import MMGL
from .moco import MoCo
from .pnl import PNL
from .up_reid import UPReID

__all__ = ['CION', 'DINO', 'MMGL', 'PNL', 'BasePretrainer', 'MoCo', 'UPReID']
