from .draw import Draw
from .identity_sampler import IdentitySampler

__all__ = ['Draw', 'IdentitySampler']
