"""The library form of ``tools/denoise.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmcion.denoising import DenoisePipeline
from mmcion.denoising.base_denoiser import check_flag
from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.cli import read_config

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
    features: FeatureStore | np.ndarray | str | Path,
    config: dict[str, Any] | Config | str | Path,
    *,
    work_dir: str | Path | None = None,
) -> IdentityLabels:
    """Turn tracklets into identities.

    The ranks of a process group share the work, and each gets the result.

    Args:
        table: the images.
        features: one row each; a store, its folder, or an array ``(N, D)``.
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
    if not isinstance(table, TrackletTable):
        raise TypeError(
            f'table must be a TrackletTable, see '
            f'TrackletTable.from_columns; got a {type(table).__name__}.'
        )
    features = _open_features(features)
    if isinstance(config, str | Path):
        config = read_config(config)
    if not isinstance(config, dict | Config):
        raise TypeError(
            f'config must be a dict, a Config or the path of one; got a '
            f'{type(config).__name__}.'
        )
    unknown = sorted(set(config) - _KEYS)
    if unknown or 'pipeline' not in config:
        raise ValueError(
            f'a denoising config needs "pipeline" and may have '
            f'{sorted(_KEYS - {"pipeline"})}; unknown here: {unknown}.'
        )
    if 'custom_imports' in config:
        custom = config['custom_imports']
        if not isinstance(custom, dict):
            raise ValueError(
                f'custom_imports is dict(imports=[...]); got {custom!r}.'
            )
        import_modules_from_strings(**custom)
    if check_flag('center', config.get('center', False)):
        features = features.centered()
    pipeline = DenoisePipeline(
        config['pipeline'],
        config.get('calibration'),
        work_dir,
        config.get('seed', 0),
    )
    return pipeline.run(table, features)


def _open_features(
    features: FeatureStore | np.ndarray | str | Path,
) -> FeatureStore:
    if isinstance(features, FeatureStore):
        return features
    if isinstance(features, str | Path):
        return FeatureStore.open(features)
    if isinstance(features, np.ndarray):
        return FeatureStore(features)
    raise TypeError(
        f'features must be a FeatureStore, its folder, or an array (N, D); '
        f'got a {type(features).__name__}.'
    )
