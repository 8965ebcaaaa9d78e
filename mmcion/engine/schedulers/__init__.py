"""Schedules of learning rates."""

from .timm_cosine_lr import TimmCosineLR
from .warmup_schedulers import WarmupCosineLR, WarmupMultiStepLR

__all__ = ['TimmCosineLR', 'WarmupCosineLR', 'WarmupMultiStepLR']
