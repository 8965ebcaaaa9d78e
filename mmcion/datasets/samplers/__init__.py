from .cross_modal_sampler import CrossModalSampler
from .draw import Draw, seed_transforms
from .identity_sampler import IdentitySampler
from .naive_identity_sampler import NaiveIdentitySampler

__all__ = [
    'CrossModalSampler',
    'Draw',
    'IdentitySampler',
    'NaiveIdentitySampler',
    'seed_transforms',
]
