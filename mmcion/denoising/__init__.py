"""Identity correlation: from tracklets to identities."""

from .base_denoiser import BaseDenoiser
from .calibration import Calibration, calibrate
from .closure import ClosureDenoiser
from .cross_video import CrossVideoDenoiser
from .export import export_annotation
from .link_calibration import LinkCalibration, calibrate_links
from .noise import noise_rates
from .pipeline import DenoisePipeline
from .self_check import self_check
from .single_tracklet import SingleTrackletDenoiser
from .single_video import SingleVideoDenoiser
from .track_files import export_tracks

__all__ = [
    'BaseDenoiser',
    'Calibration',
    'ClosureDenoiser',
    'CrossVideoDenoiser',
    'DenoisePipeline',
    'LinkCalibration',
    'SingleTrackletDenoiser',
    'SingleVideoDenoiser',
    'calibrate',
    'calibrate_links',
    'export_annotation',
    'export_tracks',
    'noise_rates',
    'self_check',
]
