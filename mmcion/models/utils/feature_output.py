"""Features in the form of mmengine's forward modes."""

from __future__ import annotations

from torch import Tensor

from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError


def feature_output(
    feats: Tensor, data_samples: list[ReIDDataSample] | None, mode: str
) -> Tensor | list[ReIDDataSample]:
    """Return features in the form of mmengine's ``mode``.

    Args:
        feats: ``(N, d)``.
        data_samples: One per image, for ``mode='predict'``.
        mode: ``'tensor'`` for ``feats``, ``'predict'`` for the samples with
            their ``feature`` set.
    """
    if mode == 'tensor':
        return feats
    if mode != 'predict' or data_samples is None:
        raise UserError(
            f"mode must be 'tensor' or 'predict' (with data_samples); got "
            f'{mode!r}.'
        )
    for sample, feat in zip(data_samples, feats, strict=True):
        sample.feature = feat
    return data_samples
