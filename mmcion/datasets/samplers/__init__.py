from .draw import Draw, seed_transforms
from .identity_sampler import IdentitySampler
from .image_sampler import ImageSampler
from .naive_identity_sampler import NaiveIdentitySampler

__all__ = [
    'Draw',
    'IdentitySampler',
    'ImageSampler',
    'NaiveIdentitySampler',
    'seed_transforms',
]
