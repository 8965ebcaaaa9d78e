from .cuhk03_protocol import CUHK03Protocol
from .gallery_rule import GalleryRule, as_list
from .labels import Labels
from .market_protocol import MarketProtocol, Trial, build_protocol
from .sysumm01_protocol import SYSUMM01Protocol

__all__ = [
    'CUHK03Protocol',
    'GalleryRule',
    'Labels',
    'MarketProtocol',
    'SYSUMM01Protocol',
    'Trial',
    'as_list',
    'build_protocol',
]
