"""From tracklets to identities: what ``tools/denoise.py`` calls."""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmcion.denoising import DenoisePipeline
from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError, check_choice
from mmcion.utils.cli import read_config

_KEYS = (
    'pipeline',
    'calibration',
    'center',
    'custom_imports',
    'default_scope',
    'export',
    'seed',
    'self_check',
)


def denoise(
    table: TrackletTable,
    features: FeatureStore | np.ndarray | str | Path,
    config: dict[str, Any] | Config | str | Path,
    *,
    work_dir: str | Path | None = None,
    overwrite: bool = False,
) -> IdentityLabels:
    """Turn tracklets into identities.

    The ranks of a process group share the work, and each gets the result.

    Args:
        table: N images.
        features: One row per image; a store, its folder, or an array
            ``(N, D)``.
        config: As in ``configs/denoise``: ``pipeline``, and optionally
            ``calibration``, ``center``, ``seed``, ``self_check`` (options of
            ``mmcion.denoising.self_check``) and ``custom_imports``.
        work_dir: Folder of finished levels and chunks, which are reused; see
            ``ResultFolder``.
        overwrite: Whether to replace results of other settings or inputs.

    Returns:
        Identity of every row, -1 where it was dropped, and the ``report``.

    Raises:
        UserError: If the config has unknown keys, the features are not the
            table's, a feature is zero or not finite, thresholds cannot be
            calibrated, or ``work_dir`` has results of other settings.
    """
    if not isinstance(table, TrackletTable):
        kind = type(table).__name__
        raise UserError(f'table must be a TrackletTable; got a {kind}.')
    if isinstance(features, str | Path):
        features = FeatureStore.open(features)
    elif not isinstance(features, FeatureStore):
        features = FeatureStore(np.asanyarray(features))
    if isinstance(config, str | Path):
        config = read_config(config)
    for key in config:
        check_choice('key of a denoising config', key, _KEYS)
    if 'pipeline' not in config:
        raise UserError('a denoising config needs "pipeline", its levels.')
    # a denoiser from outside must be registered before it is built
    if 'custom_imports' in config:
        import_modules_from_strings(**config['custom_imports'])
    center = config.get('center', False)
    check_choice('center', center, (True, False))
    pipeline = DenoisePipeline(
        config['pipeline'],
        config.get('calibration'),
        work_dir,
        config.get('seed', 0),
        overwrite,
        config.get('self_check'),
    )
    return pipeline.run(table, features.centered() if center else features)
