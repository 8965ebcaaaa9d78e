from .build_on import build_on
from .device_views import make_views
from .feature_output import feature_output
from .model_file import read_model_file, save_model_file
from .pooling import pooled_feature
from .reid_checkpoint import load_neck, use_checkpoint
from .weight_io import LoadReport, load_backbone

__all__ = [
    'LoadReport',
    'build_on',
    'feature_output',
    'load_backbone',
    'load_neck',
    'make_views',
    'pooled_feature',
    'read_model_file',
    'save_model_file',
    'use_checkpoint',
]
