from .self_distill_head import SelfDistillHead

__all__ = ['SelfDistillHead']
