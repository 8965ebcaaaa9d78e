from .base_denoiser import BaseDenoiser
from .calibration import Calibration, calibrate
from .cross_video import CrossVideoDenoiser
from .export import export_annotation
from .noise import noise_rates
from .pipeline import DenoisePipeline
from .single_tracklet import SingleTrackletDenoiser
from .single_video import SingleVideoDenoiser
from .track_files import export_tracks

__all__ = [
    'BaseDenoiser',
    'Calibration',
    'CrossVideoDenoiser',
    'DenoisePipeline',
    'SingleTrackletDenoiser',
    'SingleVideoDenoiser',
    'calibrate',
    'export_annotation',
    'export_tracks',
    'noise_rates',
]
