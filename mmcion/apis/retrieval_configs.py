"""Configs of tests: options of the metric, and other data sets."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmcion.utils.cli import override, read_config


def set_metric_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Set options of the ``ReIDMetric`` of a test.

    Args:
        cfg: a runner config, changed in place.
        options: of ``ReIDMetric``.

    Raises:
        ValueError: if the config has no ``ReIDMetric``, or several.
    """
    evaluator = cfg.get('test_evaluator') or []
    metrics = evaluator if isinstance(evaluator, list) else [evaluator]
    found = [m for m in metrics if m.get('type') == 'ReIDMetric']
    if len(found) != 1:
        raise ValueError(
            f'the config must have one ReIDMetric as test_evaluator; it has '
            f'{len(found)}.'
        )
    found[0].update(options)


def dataset_configs(
    cfg: Config,
    datasets: Sequence[str],
    folder: str | Path,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Config]:
    """Return a config of the same test for each of some data sets.

    Model, transforms (so the size of images), batch size and workers stay
    those of ``cfg``; data set and metric are those of the data set's own
    config.

    Args:
        cfg: a runner config.
        datasets: each the name of a config in ``folder`` or the path of one;
            with ``=PATH`` behind it for another ``data_root``.
        folder: of the data sets' configs.
        options: settings of all the tests, by dotted names.

    Returns:
        By name; each has a work folder of that name in the one of ``cfg``.

    Raises:
        ValueError: if there is no such config, a name comes twice, or a
            config has no place for an option.
    """
    configs: dict[str, Config] = {}
    for text in datasets:
        name, _, data_root = text.partition('=')
        path = Path(name)
        if path.suffix != '.py':
            path = Path(folder) / f'{name}.py'
        if not path.is_file():
            raise ValueError(
                f'there is no data set {name!r}: give the path of a config, '
                f'or one of {", ".join(_names(folder))}.'
            )
        if path.stem in configs:
            raise ValueError(f'data set {path.stem} is given twice.')
        own = _for_dataset(cfg, path)
        override(own, options or {}, path)
        if data_root:
            own.test_dataloader.dataset.data_root = data_root
        configs[path.stem] = own
    return configs


def _names(folder: str | Path) -> list[str]:
    configs = {f.stem: read_config(f) for f in Path(folder).glob('*.py')}
    return sorted(
        name
        for name, cfg in configs.items()
        if _has_test(cfg) and 'train_dataloader' not in cfg
    )


def _has_test(cfg: Config) -> bool:
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    return 'type' in dataset and 'test_evaluator' in cfg


def _for_dataset(cfg: Config, path: Path) -> Config:
    own = read_config(path)
    if not _has_test(own):
        raise ValueError(
            f'{path} is no config of a test: it needs test_dataloader.dataset '
            f'and test_evaluator.'
        )
    result = copy.deepcopy(cfg)
    dataset = own.test_dataloader.dataset
    dataset.pipeline = cfg.test_dataloader.dataset.pipeline
    result.test_dataloader.dataset = dataset
    result.test_evaluator = own.test_evaluator
    result.work_dir = str(Path(cfg.work_dir) / path.stem)
    return result
