from .feature_output import feature_output
from .pooling import pooled_feature
from .weight_io import LoadReport, load_backbone

__all__ = [
    'LoadReport',
    'feature_output',
    'load_backbone',
    'pooled_feature',
]
