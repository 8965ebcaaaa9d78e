from .identity_dataset import IdentityDataset
from .reid_dataset import ReIDDataset
from .samplers import IdentitySampler
from .tracklet_dataset import TrackletDataset
from .transforms import *  # noqa: F403

__all__ = [
    'IdentityDataset',
    'IdentitySampler',
    'ReIDDataset',
    'TrackletDataset',
]
