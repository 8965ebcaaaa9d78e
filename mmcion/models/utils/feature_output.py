"""Features in the form of mmengine's forward modes."""

from __future__ import annotations

from torch import Tensor

from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError


def feature_output(
    feats: Tensor, data_samples: list[ReIDDataSample] | None, mode: str
) -> Tensor | list[ReIDDataSample]:
    """Return features ``(N, d)`` in the form of mmengine's ``mode``.

    ``'tensor'`` gives the features, ``'predict'`` the samples, one per image,
    with their ``feature`` set.
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
