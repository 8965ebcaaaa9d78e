from .cion import CION

__all__ = ['CION']
