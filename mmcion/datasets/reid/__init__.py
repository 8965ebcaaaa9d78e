"""Labelled data sets for training and evaluation."""

from .base_reid_dataset import BaseReIDDataset
from .cuhk03np import CUHK03NP
from .dukemtmcreid import DukeMTMCreID, OccludedDuke
from .folder_reid import FolderReID
from .hold_out_reid import HoldOutReID
from .market1501 import Market1501
from .mars import MARS
from .msmt17 import MSMT17
from .personx import PersonX
from .regdb import RegDB
from .reid_dataset import ReIDDataset
from .reid_image import ReIDImage
from .sysumm01 import SYSUMM01
from .three_folder_dataset import ThreeFolderDataset
from .veri776 import VeRi776

__all__ = [
    'CUHK03NP',
    'MARS',
    'MSMT17',
    'SYSUMM01',
    'BaseReIDDataset',
    'DukeMTMCreID',
    'FolderReID',
    'HoldOutReID',
    'Market1501',
    'OccludedDuke',
    'PersonX',
    'ReIDDataset',
    'ReIDImage',
    'RegDB',
    'ThreeFolderDataset',
    'VeRi776',
]
