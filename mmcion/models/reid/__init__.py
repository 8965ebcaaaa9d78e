"""Models of fine-tuning and evaluation."""

from .reid_model import ReIDModel

__all__ = ['ReIDModel']
