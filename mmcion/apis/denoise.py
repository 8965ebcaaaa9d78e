"""The library form of ``tools/denoise.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmcion.denoising import DenoisePipeline
from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable

_KEYS = {
    'pipeline',
    'calibration',
    'center',
    'custom_imports',
    'default_scope',
    'export',
    'seed',
}


def denoise(
    table: TrackletTable,
    features: FeatureStore | np.ndarray,
    config: dict[str, Any] | Config | str | Path,
    *,
    work_dir: str | Path | None = None,
) -> IdentityLabels:
    """Turn tracklets into identities.

    The ranks of a process group share the work, and each gets the result.

    Args:
        table: the images.
        features: one row each; an array is ``(N, D)``.
        config: as the files in ``configs/denoise``: ``pipeline``, and
            optionally ``calibration``, ``center``, ``seed`` and
            ``custom_imports``. (``export`` is the tool's.)
        work_dir: finished levels and shards are kept here and reused.

    Returns:
        Identity of every row, -1 where it was dropped, and the ``report``.

    Raises:
        ValueError: if the config has unknown keys, the features are not the
            table's, a feature is zero or not finite, or thresholds cannot
            be calibrated.
    """
    if isinstance(config, str | Path):
        config = Config.fromfile(config)
    unknown = sorted(set(config) - _KEYS)
    if unknown or 'pipeline' not in config:
        raise ValueError(
            f'a denoising config needs "pipeline" and may have '
            f'{sorted(_KEYS - {"pipeline"})}; unknown here: {unknown}.'
        )
    if 'custom_imports' in config:
        import_modules_from_strings(**config['custom_imports'])
    if isinstance(features, np.ndarray):
        features = FeatureStore(features)
    if config.get('center', False):
        features = features.centered()
    pipeline = DenoisePipeline(
        config['pipeline'],
        config.get('calibration'),
        work_dir,
        config.get('seed', 0),
    )
    return pipeline.run(table, features)
