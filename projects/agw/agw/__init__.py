from .agw_head import AGWHead
from .cross_modal_sampler import CrossModalSampler
from .non_local_resnet import NonLocalResNet
from .two_stream_resnet import TwoStreamResNet

__all__ = [
    'AGWHead',
    'CrossModalSampler',
    'NonLocalResNet',
    'TwoStreamResNet',
]
