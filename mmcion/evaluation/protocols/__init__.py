from .cuhk03 import CUHK03Protocol
from .labels import Labels
from .market import EvaluationSplit, MarketProtocol, as_pids, build_protocol
from .sysumm01 import SYSUMM01Protocol

__all__ = [
    'CUHK03Protocol',
    'EvaluationSplit',
    'Labels',
    'MarketProtocol',
    'SYSUMM01Protocol',
    'as_pids',
    'build_protocol',
]
