"""Data sets, transforms and samplers."""

from mmcion.utils.image_file import UnreadableImageError

from .collate import collate_views
from .concat_reid import ConcatReID
from .identity_dataset import IdentityDataset
from .image_reader import open_images
from .reid import *  # noqa: F403
from .samplers import (
    CrossModalSampler,
    IdentitySampler,
    ImageSampler,
    NaiveIdentitySampler,
)
from .tracklet_dataset import TrackletDataset
from .transforms import *  # noqa: F403

__all__ = [
    'ConcatReID',
    'CrossModalSampler',
    'IdentityDataset',
    'IdentitySampler',
    'ImageSampler',
    'NaiveIdentitySampler',
    'TrackletDataset',
    'UnreadableImageError',
    'collate_views',
    'open_images',
]
