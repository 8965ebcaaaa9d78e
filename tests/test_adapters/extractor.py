"""A tiny extractor, and a frame with boxes to extract features of."""

import numpy as np
import supervision as sv
import torch

from mmcion.apis.features import FeatureExtractor
from mmcion.models import ReIDModel

from .. import tiny  # noqa: F401 (registers TinyBackbone)


def tiny_extractor():
    torch.manual_seed(0)
    model = ReIDModel({'type': 'mmcion.TinyBackbone', 'use_bn': True})
    return FeatureExtractor(model, image_size=(32, 16))


def draw_frame():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)


def boxes(*corners):
    return sv.Detections(xyxy=np.array(corners, float).reshape(-1, 4))
