from .pooling import pooled_feature
from .weight_io import LoadReport, load_backbone

__all__ = ['LoadReport', 'load_backbone', 'pooled_feature']
