from .device_views import make_views
from .feature_output import feature_output
from .pooling import pooled_feature

__all__ = [
    'feature_output',
    'make_views',
    'pooled_feature',
]
