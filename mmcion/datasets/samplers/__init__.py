from .draw import Draw, seed_transforms
from .identity_batch_sampler import IdentityBatchSampler

__all__ = ['Draw', 'IdentityBatchSampler', 'seed_transforms']
