"""What reports need from data sets and models, beside what they show."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from torch import nn

from mmcion.datasets import IdentityDataset, open_images
from mmcion.datasets.reid import BaseReIDDataset
from mmcion.registry import DATASETS
from mmcion.structures import IdentityLabels, RetrievalResult, TrackletTable
from mmcion.utils.checks import UserError, join_names
from mmcion.utils.image_file import decode_image
from mmcion.visualization import (
    DatasetPart,
    ReIDLabels,
    TileGroup,
    activation_group,
    dataset_groups,
    write_denoising_report,
)
from mmcion.visualization.text import count_of
from mmcion.visualization.tiles import ImageLike, unreadable_remark

from .cam import activation_maps
from .features import FeatureExtractor

_ACTIVATIONS = 4  # best and worst queries with activation maps


def report_denoising(
    table: TrackletTable,
    labels: IdentityLabels,
    file: str | Path,
    *,
    max_tiles: int = 100,
) -> None:
    """Write a self-contained HTML page about a denoising.

    Args:
        table: Images, in folders, tar files or an LMDB. If they have no
            paths or are missing, the page has no crops.
        labels: Result of ``mmcion.denoise``, with its report.
        file: HTML file to write.
        max_tiles: Crops per section, at most; 0 leaves them out.
    """
    fingerprint = table.fingerprint()
    origin = labels.report.get('inputs', {}).get('table') or fingerprint
    if origin != fingerprint:
        raise UserError(f'these are identities of another table, {origin}.')
    load_image = None
    if table.path is not None:
        root = table.image_root
        try:
            if root is not None and not root.exists():
                raise FileNotFoundError(f'there are no images at {root}.')
            load_image = open_images(root).read
        except FileNotFoundError as error:
            # the numbers are worth a page without crops
            print_log(
                f'{file} has no crops: {error}',
                logger='current',
                level=logging.WARNING,
            )
            max_tiles = 0
    write_denoising_report(
        file, table, labels, load_image=load_image, max_tiles=max_tiles
    )


def query_activations(
    result: RetrievalResult,
    model: nn.Module,
    pipeline: Sequence[dict[str, Any]] | None = None,
) -> list[TileGroup]:
    """Return activation maps of the best and the worst queries.

    There are none, with a line in the log, if the images are gone or the
    network has no map over an image. See ``FeatureExtractor`` for ``model``
    and ``pipeline``.
    """
    extractor = FeatureExtractor(model, pipeline=pipeline)
    # indices of valid queries, highest average precision first
    valid = np.flatnonzero(result.num_matches > 0)
    order = valid[np.argsort(-result.ap[valid], kind='stable')]
    groups = []
    # of few queries none is among the best and the worst
    worst = order[_ACTIVATIONS:][-_ACTIVATIONS:]
    for heading, chosen in (
        ('Queries of highest average precision', order[:_ACTIVATIONS]),
        ('Queries of lowest average precision', worst),
    ):
        if not len(chosen):
            break
        features = result.features.take(result.query_rows[chosen])
        try:
            found = activation_maps(extractor, features.img_path.tolist())
        except (ValueError, OSError) as error:
            print_log(f'no activation maps: {error}', logger='current')
            return []
        labels = zip(features.pid, features.cam_id, strict=True)
        groups.append(
            activation_group(
                found.images,
                found.maps,
                names=[f'{pid} · c{cam_id}' for pid, cam_id in labels],
                notes=[f'AP {ap:.2f}' for ap in result.ap[chosen]],
                heading=heading,
            )
        )
    return groups


class DatasetView(NamedTuple):
    """Crops of a data set by identity, the first group its title; counts."""

    groups: list[TileGroup]
    parts: list[DatasetPart]


def browse_dataset(
    cfg: Config,
    split: str | None = None,
    *,
    identities: int = 8,
    images: int = 8,
    seed: int = 0,
) -> DatasetView:
    """Show identities of the data set that a config tests or trains on.

    Args:
        cfg: Config with ``test_dataloader`` or ``train_dataloader``.
        split: ``'test'`` or ``'train'``; if None, the first that the config
            has.
        identities: Number of identities, at most.
        images: Number of images of each, at most.
        seed: Seed of what is drawn.
    """
    dataset, split = _build_dataset(cfg, split)
    read: Callable[[int], ImageLike]
    if isinstance(dataset, BaseReIDDataset):
        is_query = dataset.is_query
        title = dataset.title
        source = dataset.source.removeprefix(f'{title} in ')

        def read(row: int) -> ImageLike:
            return dataset.get_data_info(row)['img_path']
    elif isinstance(dataset, IdentityDataset):
        is_query = np.zeros(len(dataset), bool)
        title = type(dataset).__name__
        source = str(cfg[f'{split}_dataloader'].dataset.ann_file)

        def read(row: int) -> ImageLike:
            # a column of bytes, mapped into memory: decode what is shown
            path = os.fsdecode(dataset.annotation.path[row])
            return decode_image(dataset.images.read(path), path)
    else:
        raise UserError(f'a {type(dataset).__name__} has no identities.')
    labels = ReIDLabels(dataset.pids, dataset.cam_ids, is_query)
    parts = labels.count_parts()
    groups = dataset_groups(
        labels,
        read,
        identities=identities,
        images=images,
        seed=seed,
    )
    # what an image grid has in place of a table
    lines = [source, *filter(None, [unreadable_remark(groups)])]
    for part in parts:
        counts = [count_of(part.images, 'image')]
        if part.identities is not None:
            counts.append(count_of(part.identities, 'identity'))
        if part.cameras is not None:
            counts.append(count_of(part.cameras, 'camera'))
        lines.append(f'{part.name}: {", ".join(counts)}')
    head = TileGroup([], f'{title}, {split}', '\n'.join(lines))
    return DatasetView([head, *groups], parts)


def _build_dataset(cfg: Config, split: str | None) -> tuple[Any, str]:
    """Build the data set without its transforms; return its split, too."""
    found = [name for name in ('test', 'train') if f'{name}_dataloader' in cfg]
    split = split or next(iter(found), 'test')
    if split in found:
        settings = dict(cfg[f'{split}_dataloader'].dataset)
    elif split == 'train' and found:
        # an evaluation set has both parts
        settings = {**cfg.test_dataloader.dataset, 'split': 'train'}
    else:
        source = cfg.filename or 'the config'
        has = join_names(f'{name}_dataloader' for name in found) or 'none'
        raise UserError(f'{source} has no {split}_dataloader; it has {has}.')
    with DefaultScope.overwrite_default_scope('mmcion'):
        return DATASETS.build({**settings, 'pipeline': []}), split
