from .build_on import build_on
from .camera_inputs import camera_inputs
from .device_views import make_views
from .eval_mode import eval_mode
from .feature_output import feature_output
from .feature_queue import FeatureQueue
from .pooling import last_output, pooled_feature
from .stripes import pool_stripes, visible_stripes

__all__ = [
    'FeatureQueue',
    'build_on',
    'camera_inputs',
    'eval_mode',
    'feature_output',
    'last_output',
    'make_views',
    'pool_stripes',
    'pooled_feature',
    'visible_stripes',
]
