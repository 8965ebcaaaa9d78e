from .identity_distill_loss import identity_distill_loss

__all__ = ['identity_distill_loss']
