"""Models of pre-training."""

from .cion import CION

__all__ = ['CION']
