from .agw_head import AGWHead
from .non_local_resnet import NonLocalResNet

__all__ = ['AGWHead', 'NonLocalResNet']
