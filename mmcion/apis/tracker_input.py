"""What boxmot and ultralytics do to a crop before they run an ONNX file.

Read off their public sources: boxmot 25, ultralytics 8.4.64.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from mmcion.utils.checks import UserError, check_choice

TRACKERS = ('boxmot', 'ultralytics')

# boxmot takes the input's size from the network that the file's name has;
# these are of 256 x 128. Parts of other names change size or normalisation.
_BOXMOT_NAMES = ('mobilenetv2_x1_0', 'osnet_x1_0', 'resnet50')
_BOXMOT_OTHERS = ('clip', 'hacnn', 'lmbn', 'vehicleid', 'veri')


class TrackerInput:
    """Input of a file for a tracker: ``(N, 3, h, w)`` float32 RGB.

    Both resize a crop with OpenCV's or torch's bilinear rule, without
    antialiasing and regardless of its proportions. boxmot then subtracts
    ImageNet's mean and divides by its standard deviation; ultralytics leaves
    values in [0, 1].

    Args:
        tracker: One of ``TRACKERS``.
        image_size: Height and width of the images of the network. For
            ultralytics, whose crops are square, the longer one counts.

    Attributes:
        RESIZE: How both resize, in the words of a model file.
        size: Height and width of the input.
        mean: Subtracted from values in [0, 1], by channel.
        std: By which they are divided then.
    """

    RESIZE: ClassVar = {
        'interpolation': 'bilinear',
        'antialias': False,
        'keep_ratio': False,
    }

    def __init__(self, tracker: str, image_size: tuple[int, int]) -> None:
        check_choice('tracker', tracker, TRACKERS)
        self.tracker = tracker
        if tracker == 'boxmot':
            self.size = (256, 128)
            self.mean, self.std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        else:
            self.size = (max(image_size),) * 2
            self.mean, self.std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def from_levels(self, images: Tensor) -> Tensor:
        """Normalise levels ``(N, 3, h, w)`` of 0..255, as the tracker does."""
        return (images.float() / 255 - _by_channel(self.mean)) / _by_channel(
            self.std
        )

    def to_levels(self, inputs: Tensor) -> Tensor:
        """Return levels of 0..255, the nearest whole ones."""
        images = inputs * _by_channel(self.std) + _by_channel(self.mean)
        return (images * 255).round().clamp(0, 255)

    def check_name(self, file: Path) -> None:
        """Raise ``UserError`` if boxmot would take a file for another one."""
        if self.tracker != 'boxmot':
            return
        name = file.name.lower()
        known = any(part in name for part in _BOXMOT_NAMES)
        if not known or any(part in name for part in _BOXMOT_OTHERS):
            raise UserError(
                f'boxmot reads the size of images off a name: {file.name} '
                f'must have one of {", ".join(_BOXMOT_NAMES)}, and none of '
                f'{", ".join(_BOXMOT_OTHERS)}.'
            )

    def metadata(self) -> dict[str, str]:
        """Return the entries that the tracker expects in a file."""
        if self.tracker == 'boxmot':
            return {}
        return {
            'task': 'classify',
            'stride': '32',
            'batch': '1',
            'channels': '3',
            'imgsz': str(list(self.size)),
            'names': "{0: 'person'}",
        }


def _by_channel(values: tuple[float, float, float]) -> Tensor:
    """Return a tensor ``(3, 1, 1)``."""
    return torch.tensor(values)[:, None, None]
