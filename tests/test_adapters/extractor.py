import numpy as np
import supervision as sv
import torch

from mmcion.apis.features import FeatureExtractor
from mmcion.models import ReIDModel

from ..tiny import DIM  # registers TinyBackbone

SIZE = (32, 16)


def tiny_extractor():
    torch.manual_seed(0)
    model = ReIDModel({'type': 'mmcion.TinyBackbone', 'use_bn': True})
    return FeatureExtractor(model, image_size=SIZE)


def draw_frame(seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)


def boxes(*corners):
    return sv.Detections(xyxy=np.array(corners, float).reshape(-1, 4))


__all__ = ['DIM', 'SIZE', 'boxes', 'draw_frame', 'tiny_extractor']
