"""Networks, and the models that train them."""

from .architectures import (
    Architecture,
    build_backbone,
    find_architecture,
    get_architecture,
    list_architectures,
)
from .backbones import *  # noqa: F403
from .data_preprocessor import ReIDDataPreprocessor
from .heads import *  # noqa: F403
from .losses import *  # noqa: F403
from .necks import *  # noqa: F403
from .pretrainers import *  # noqa: F403
from .reid import *  # noqa: F403

# of this folder; the sub-packages state their own
__all__ = [
    'Architecture',
    'ReIDDataPreprocessor',
    'build_backbone',
    'find_architecture',
    'get_architecture',
    'list_architectures',
]
