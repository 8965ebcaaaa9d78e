"""Show people of the data set of a config."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmcion.datasets import IdentityDataset
from mmcion.datasets.reid import BaseReIDDataset
from mmcion.registry import DATASETS
from mmcion.visualization.dataset_sheet import (
    PartCount,
    Pictures,
    count_parts,
    dataset_sheet,
)


class DatasetView(NamedTuple):
    """A sheet of a data set, and how large its parts are.

    Attributes:
        sheet: ``(H, W, 3)`` uint8 RGB.
        parts: see ``count_parts``.
    """

    sheet: np.ndarray
    parts: list[PartCount]


def browse_dataset(
    cfg: Config,
    split: str | None = None,
    *,
    people: int = 8,
    images: int = 8,
    seed: int = 0,
) -> DatasetView:
    """Draw people of the data set that a config tests or trains on.

    Args:
        cfg: with ``test_dataloader`` or ``train_dataloader``.
        split: ``'test'`` or ``'train'``; if None, the first that the config
            has.
        people: see ``dataset_sheet``.
        images: see ``dataset_sheet``.
        seed: see ``dataset_sheet``.

    Raises:
        FileNotFoundError: if the data, or an image, are not where the config
            says.
        ValueError: if the config has no such data set, or it cannot be
            shown; see ``dataset_sheet`` too.
    """
    dataset, split = _build(cfg, split)
    if isinstance(dataset, BaseReIDDataset):
        rows = range(len(dataset))
        infos = [dataset.get_data_info(row) for row in rows]
        pictures: Pictures = [info['img_path'] for info in infos]
        is_query = np.array([info['is_query'] for info in infos])
        title = f'{dataset.title}, {split}'
        source = dataset.source.removeprefix(f'{dataset.title} in ')
    elif isinstance(dataset, IdentityDataset):
        pictures = _Stored(dataset)
        is_query = np.zeros(len(dataset), bool)
        title = f'{type(dataset).__name__}, {split}'
        source = str(cfg[f'{split}_dataloader'].dataset.ann_file)
    else:
        raise ValueError(
            f'a {type(dataset).__name__} has no people to show; data sets '
            f'for testing and training do.'
        )
    pids, cam_ids = np.asarray(dataset.pids), np.asarray(dataset.cam_ids)
    sheet = dataset_sheet(
        pictures,
        pids,
        cam_ids,
        is_query,
        title=title,
        subtitle=source,
        people=people,
        images=images,
        seed=seed,
    )
    return DatasetView(sheet, count_parts(pids, cam_ids, is_query))


class _Stored:
    """Images of an annotation, opened when they are asked for."""

    def __init__(self, dataset: IdentityDataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, row: int, /) -> io.BytesIO:
        path = self._dataset.annotation.path[row].decode()
        return io.BytesIO(self._dataset.images.read(path))


def _build(cfg: Config, split: str | None) -> tuple[Any, str]:
    """Build the data set without its transforms; say which split it is."""
    found = [name for name in ('test', 'train') if f'{name}_dataloader' in cfg]
    split = split or next(iter(found), None)
    if split in found:
        settings = dict(cfg[f'{split}_dataloader'].dataset)
    elif split == 'train' and 'test' in found:
        # an evaluation set has both parts
        settings = {**cfg.test_dataloader.dataset, 'split': 'train'}
    else:
        raise ValueError(
            f'{cfg.filename or "the config"} has no {split or "test"}'
            f'_dataloader; it has '
            f'{", ".join(f"{name}_dataloader" for name in found) or "none"}.'
        )
    assert split is not None
    with DefaultScope.overwrite_default_scope('mmcion'):
        return DATASETS.build({**settings, 'pipeline': []}), split
