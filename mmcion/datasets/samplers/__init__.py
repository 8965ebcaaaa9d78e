from .draw import Draw, seed_transforms
from .identity_sampler import IdentitySampler

__all__ = ['Draw', 'IdentitySampler', 'seed_transforms']
