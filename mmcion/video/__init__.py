"""From video to tracklets."""

from .detections import Detections
from .tracking import BaseTracker, ByteTrack, GivenIds
from .tracklet_extractor import TrackletExtractor
from .video_reader import VideoReader

__all__ = [
    'BaseTracker',
    'ByteTrack',
    'Detections',
    'GivenIds',
    'TrackletExtractor',
    'VideoReader',
]
