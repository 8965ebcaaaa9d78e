"""What a backbone is given besides images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from mmcion.structures import ReIDDataSample


def camera_inputs(
    backbone: nn.Module, data_samples: Sequence[ReIDDataSample] | None
) -> dict[str, Any]:
    """Return ``cam_ids`` for a backbone whose ``takes_cameras`` is set.

    N integers, -1 where unknown, or None for images alone. Other backbones
    get nothing.
    """
    if not getattr(backbone, 'takes_cameras', False):
        return {}
    if not data_samples:
        return {'cam_ids': None}
    return {'cam_ids': [sample.get('cam_id', -1) for sample in data_samples]}
