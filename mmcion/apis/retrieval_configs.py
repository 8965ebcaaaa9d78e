"""Configs of tests: options of the metric, and several data sets."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmcion.registry import METRICS
from mmcion.utils.checks import UserError, check_choice
from mmcion.utils.cli import override, read_config


def set_metric_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Set options of the one ``ReIDMetric`` of a test, in place."""
    evaluator = cfg.get('test_evaluator') or []
    metrics = evaluator if isinstance(evaluator, list) else [evaluator]
    found = [m for m in metrics if m.get('type') == 'ReIDMetric']
    if len(found) != 1:
        raise UserError(f'a test needs one ReIDMetric; got {len(found)}.')
    found[0].update(options)
    METRICS.build(found[0])  # refuses wrong options before the long part


def dataset_configs(
    cfg: Config,
    datasets: Sequence[str],
    folder: str | Path,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Config]:
    """Return a config of the same test for each of several data sets.

    Model, transforms (so the image size), batch size and workers are those of
    ``cfg``; data set and metric those of the data set's config.

    Args:
        cfg: Runner config.
        datasets: Names of configs in ``folder`` or paths of configs, with
            ``=PATH`` appended for another ``data_root``.
        folder: Folder of the data sets' configs.
        options: Settings of all tests, by dotted names.

    Returns:
        Configs by name, each with a folder of that name in the work dir.
    """
    configs: dict[str, Config] = {}
    for text in datasets:
        name, _, data_root = text.partition('=')
        path = Path(name)
        if path.suffix != '.py':
            path = Path(folder) / f'{name}.py'
        if not path.is_file():
            known = [
                each.stem
                for each in sorted(Path(folder).glob('*.py'))
                if _has_test(found := read_config(each))
                and 'train_dataloader' not in found
            ]
            check_choice("data set (or a config's path)", name, known)
        if path.stem in configs:
            raise UserError(f'data set {path.stem} is given twice.')
        own, base = copy.deepcopy(cfg), read_config(path)
        if not _has_test(base):
            raise UserError(f'{path} is not the config of a test.')
        dataset = base.test_dataloader.dataset
        dataset.pipeline = cfg.test_dataloader.dataset.pipeline
        own.test_dataloader.dataset = dataset
        own.test_evaluator = base.test_evaluator
        own.work_dir = str(Path(cfg.work_dir) / path.stem)
        override(own, options or {}, path)
        if data_root:
            own.test_dataloader.dataset.data_root = data_root
        configs[path.stem] = own
    return configs


def _has_test(cfg: Config) -> bool:
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    return 'type' in dataset and 'test_evaluator' in cfg
