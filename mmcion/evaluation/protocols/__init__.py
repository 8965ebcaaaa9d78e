from .cuhk03_protocol import CUHK03Protocol
from .gallery_rule import GalleryRule
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
    'build_protocol',
]
