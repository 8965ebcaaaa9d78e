from .cross_modal_sampler import CrossModalSampler
from .draw import Draw, seed_transforms
from .identity_sampler import IdentitySampler
from .image_sampler import ImageSampler
from .naive_identity_sampler import NaiveIdentitySampler

__all__ = [
    'CrossModalSampler',
    'Draw',
    'IdentitySampler',
    'ImageSampler',
    'NaiveIdentitySampler',
    'seed_transforms',
]
