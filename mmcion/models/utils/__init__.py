from .pooling import pooled_feature

__all__ = ['pooled_feature']
