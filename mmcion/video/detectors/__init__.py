"""Detectors of people in frames."""

from .base_detector import BaseDetector
from .box_file_detector import BoxFileDetector
from .hog_detector import HOGDetector
from .litert_detector import EfficientDetLiteDetector
from .mmdet_detector import MMDetDetector
from .torchvision_detector import TorchvisionDetector

__all__ = [
    'BaseDetector',
    'BoxFileDetector',
    'EfficientDetLiteDetector',
    'HOGDetector',
    'MMDetDetector',
    'TorchvisionDetector',
]
