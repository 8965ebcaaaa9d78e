"""Data with known truth, for tests, benchmarks and runs without network."""

from .noise_model import NoiseModel, Simulation
from .synthetic_figure import Look, draw_figure, draw_looks
from .synthetic_people import photograph, write_people
from .synthetic_video import synthetic_detections, write_synthetic_video

__all__ = [
    'Look',
    'NoiseModel',
    'Simulation',
    'draw_figure',
    'draw_looks',
    'photograph',
    'synthetic_detections',
    'write_people',
    'write_synthetic_video',
]
