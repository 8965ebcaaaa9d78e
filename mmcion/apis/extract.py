"""From a table of images and a model to a feature store."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.dist import barrier, get_dist_info, is_main_process
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch.utils.data import DataLoader, Dataset, Subset, default_collate

from mmcion.datasets import TrackletDataset, UnreadableImageError
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.io import hash_value, read_json, write_json
from mmcion.utils.progress import progress_bar

_BLOCK_ROWS = 2048  # finished blocks are not extracted again after a kill
_SHOWN = 10


def extract_features(
    model: BaseModel,
    table: TrackletTable,
    pipeline: Sequence[dict[str, Any]],
    out: str | Path,
    *,
    meta: dict[str, Any],
    batch_size: int = 64,
    num_workers: int = 2,
    max_unreadable: int = 0,
    device: str | torch.device | None = None,
) -> FeatureStore:
    """Extract one feature per row of a table, on all ranks together.

    Ranks take turns at blocks of rows. A run that was killed goes on with
    the blocks that are missing, and tries unreadable images again; a finished
    store with the same ``meta``, table and pipeline is returned as it is.

    Args:
        model: ``model(inputs)`` gives ``(N, D)`` features.
        table: the images.
        pipeline: test transforms.
        out: folder of the store.
        meta: what identifies the model, such as its config and the hash of
            its weights.
        batch_size: images per forward pass.
        num_workers: processes that read images.
        max_unreadable: so many images may be missing or damaged, over all
            ranks; their features are zero and the store lists their rows.
        device: where to compute; the best there is if None.

    Raises:
        ValueError: if more images cannot be read, or the table has no rows.
        FileNotFoundError: if an image is missing and none may be.
    """
    if not len(table):
        raise ValueError('the table has no images, so there is no feature.')
    if max_unreadable < 0:
        raise ValueError(f'max_unreadable ({max_unreadable}) must be >= 0')
    out = Path(out)
    meta = {
        **meta,
        'table': table.fingerprint(),
        'pipeline': hash_value(list(pipeline)),
    }
    limit = _Limit(table, max_unreadable)
    if FeatureStore.is_finished(out, meta):
        print_log(f'{out}: features are there already', logger='current')
        store = FeatureStore.open(out)
        limit.check(
            store.unreadable,
            remedy=f'Allow them, or restore them and remove {out}.',
        )
        return store
    model = model.to(device or get_device()).eval()
    dataset: Dataset = TrackletDataset(table, pipeline)
    if max_unreadable:
        dataset = _Tolerant(dataset)
    dim = _feature_dim(model, dataset, len(table), limit)
    if is_main_process():
        FeatureStore.create(out, (len(table), dim), meta)
    barrier()
    features = FeatureStore.create(out, (len(table), dim), meta)
    loader_options = {'batch_size': batch_size, 'num_workers': num_workers}
    _fill(model, dataset, features, out, limit, loader_options)
    barrier()
    everywhere = _marked_rows(out, len(table))
    limit.check(everywhere)
    barrier()
    if is_main_process():
        limit.log(everywhere)
        FeatureStore.finish(out, {**meta, 'unreadable': everywhere})
        for mark in out.glob('.done_*'):
            mark.unlink()
    barrier()
    return FeatureStore.open(out)


def _fill(
    model: BaseModel,
    dataset: Dataset,
    features: np.memmap,
    out: Path,
    limit: _Limit,
    loader_options: dict[str, Any],
) -> None:
    """Extract this rank's missing rows, block by block."""
    todo = _missing_rows(out, len(features))
    unreadable: dict[int, str] = {}
    bar = progress_bar(
        total=sum(map(len, todo.values())),
        desc='features',
        unit='img',
        disable=not is_main_process(),
    )
    with bar:
        for start, rows in todo.items():
            loader = DataLoader(
                Subset(dataset, rows), collate_fn=list, **loader_options
            )
            found: dict[int, str] = {}
            done = 0
            for items in loader:
                own = rows[done : done + len(items)]
                done += len(items)
                found |= _write_features(model, features, own, items)
                limit.check([*unreadable, *found], {**unreadable, **found})
                bar.update(len(items))
            unreadable |= found
            features.flush()
            write_json(_mark(out, start), sorted(found))


class _Tolerant(Dataset):
    """A dataset whose item is a message where the image cannot be read."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, row: int) -> dict[str, Any] | str:
        try:
            return self.dataset[row]
        except (OSError, UnreadableImageError) as error:
            return str(error)


class _Limit:
    """How many rows may be unreadable."""

    def __init__(self, table: TrackletTable, allowed: int) -> None:
        self.table = table
        self.allowed = allowed

    def check(
        self,
        rows: Sequence[int] | np.ndarray,
        reasons: Mapping[int, str] | None = None,
        remedy: str = 'Restore them or allow more, and run again: the '
        'features that are there are kept.',
    ) -> None:
        """Raise ValueError if the rows are too many."""
        if len(rows) <= self.allowed:
            return
        why = f' ({next(iter(reasons.values()))})' if reasons else ''
        raise ValueError(
            f'more than max_unreadable ({self.allowed}) images cannot be '
            f'read, {len(rows)} so far: {self._names(rows)}{why}. {remedy}'
        )

    def log(self, rows: Sequence[int]) -> None:
        """Say how many rows have no feature."""
        if rows:
            print_log(
                f'{len(rows)} of {len(self.table)} images cannot be read; '
                f'their features are zero: {self._names(rows)}',
                logger='current',
                level=logging.WARNING,
            )

    def _names(self, rows: Sequence[int] | np.ndarray) -> str:
        shown = sorted(map(int, rows))[:_SHOWN]
        names = [str(self.table.image_path(row)) for row in shown]
        return ', '.join(names) + (', ...' if len(rows) > len(shown) else '')


def _feature_dim(
    model: BaseModel, dataset: Dataset, num_rows: int, limit: _Limit
) -> int:
    """Return D, from the first image that can be read."""
    unreadable: dict[int, str] = {}
    for row in range(num_rows):
        item = dataset[row]
        if not isinstance(item, str):
            return _features(model, [item]).shape[1]
        unreadable[row] = item
        limit.check([*unreadable], unreadable)
    raise ValueError(
        f'none of the {num_rows} images can be read: '
        f'{next(iter(unreadable.values()))}'
    )


def _missing_rows(out: Path, num_rows: int) -> dict[int, list[int]]:
    """Return the rows that this rank has to extract, by block."""
    rank, world_size = get_dist_info()
    missing = {}
    for start in range(0, num_rows, _BLOCK_ROWS)[rank::world_size]:
        rows = list(range(start, min(start + _BLOCK_ROWS, num_rows)))
        if _mark(out, start).exists():
            rows = read_json(_mark(out, start))
        if rows:
            missing[start] = rows
    return missing


def _marked_rows(out: Path, num_rows: int) -> list[int]:
    """Return the unreadable rows of all blocks, sorted."""
    starts = range(0, num_rows, _BLOCK_ROWS)
    return [row for start in starts for row in read_json(_mark(out, start))]


def _mark(out: Path, start: int) -> Path:
    """Return the file that lists the unreadable rows of a finished block."""
    return out / f'.done_{start}'


def _write_features(
    model: BaseModel,
    features: np.ndarray,
    rows: Sequence[int],
    items: list[dict[str, Any] | str],
) -> dict[int, str]:
    """Fill in features of rows; return unreadable ones and why."""
    unreadable: dict[int, str] = {}
    good, readable = [], []
    for row, item in zip(rows, items, strict=True):
        if isinstance(item, str):
            unreadable[row] = item
        else:
            good.append(row)
            readable.append(item)
    if good:
        features[good] = _features(model, readable)
    features[list(unreadable)] = 0
    return unreadable


@torch.no_grad()
def _features(model: BaseModel, items: list[dict[str, Any]]) -> np.ndarray:
    inputs = default_collate([item['inputs'] for item in items])
    data = model.data_preprocessor({'inputs': inputs})
    return model(data['inputs'], mode='tensor').float().cpu().numpy()
