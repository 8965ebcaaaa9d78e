"""What models give back when they are asked for features."""

from __future__ import annotations

from torch import Tensor

from mmcion.structures import ReIDDataSample


def feature_output(
    feats: Tensor, data_samples: list[ReIDDataSample] | None, mode: str
) -> Tensor | list[ReIDDataSample]:
    """Return features as mmengine's ``mode`` asks for them.

    Args:
        feats: ``(N, d)``.
        data_samples: one per image, for ``mode='predict'``.
        mode: ``'tensor'`` for ``feats``, ``'predict'`` for the samples with
            their ``feature`` set.

    Raises:
        ValueError: for another mode, or samples that are missing.
    """
    if mode == 'tensor':
        return feats
    if mode != 'predict' or data_samples is None:
        raise ValueError(
            f"mode must be 'tensor' or 'predict' (with data_samples); got "
            f'{mode!r}'
        )
    for sample, feat in zip(data_samples, feats, strict=True):
        sample.feature = feat
    return data_samples
