from .warmup_schedulers import WarmupCosineLR, WarmupMultiStepLR

__all__ = ['WarmupCosineLR', 'WarmupMultiStepLR']
