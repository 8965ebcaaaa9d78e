from .identity_distill_loss import identity_distill_loss
from .tiled_distill_loss import tiled_distill_loss

__all__ = ['identity_distill_loss', 'tiled_distill_loss']
