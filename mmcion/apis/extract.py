"""From a table of images and a model to a feature store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.dist import barrier, get_dist_info, is_main_process
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch.utils.data import DataLoader, Subset, default_collate

from mmcion.datasets import TrackletDataset
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.io import hash_value
from mmcion.utils.progress import progress_bar

_BLOCK_ROWS = 2048  # finished blocks are not extracted again after a kill


def extract_features(
    model: BaseModel,
    table: TrackletTable,
    pipeline: Sequence[dict[str, Any]],
    out: str | Path,
    *,
    meta: dict[str, Any],
    batch_size: int = 64,
    num_workers: int = 2,
) -> FeatureStore:
    """Extract one feature per row of a table, on all ranks together.

    Ranks take turns at blocks of rows. A run that was killed goes on with
    the blocks that are missing; a finished store with the same ``meta``,
    table and pipeline is returned as it is.

    Args:
        model: ``model(inputs)`` gives ``(N, D)`` features.
        table: the images.
        pipeline: test transforms.
        out: folder of the store.
        meta: what identifies the model, such as its config and the hash of
            its weights.
        batch_size: images per forward pass.
        num_workers: processes that read images.

    Raises:
        ValueError: if an image cannot be read, or the table has no rows.
    """
    if not len(table):
        raise ValueError('the table has no images, so there is no feature.')
    out = Path(out)
    meta = {
        **meta,
        'table': table.fingerprint(),
        'pipeline': hash_value(list(pipeline)),
    }
    if FeatureStore.is_finished(out, meta):
        print_log(f'{out}: features are there already', logger='current')
        return FeatureStore.open(out)
    model = model.to(get_device()).eval()
    dataset = TrackletDataset(table, pipeline)
    dim = _features(model, [dataset[0]]).shape[1]
    rank, world_size = get_dist_info()
    if is_main_process():
        FeatureStore.create(out, (len(table), dim), meta)
    barrier()
    features = FeatureStore.create(out, (len(table), dim), meta)
    blocks = range(0, len(table), _BLOCK_ROWS)[rank::world_size]
    todo = [start for start in blocks if not _mark(out, start).exists()]
    bar = progress_bar(
        total=sum(min(_BLOCK_ROWS, len(table) - start) for start in todo),
        desc='features',
        unit='img',
        disable=not is_main_process(),
    )
    with bar:
        for start in todo:
            stop = min(start + _BLOCK_ROWS, len(table))
            loader = DataLoader(
                Subset(dataset, range(start, stop)),
                batch_size,
                num_workers=num_workers,
                collate_fn=list,
            )
            row = start
            for feats in _batches(model, loader):
                features[row : row + len(feats)] = feats
                row += len(feats)
                bar.update(len(feats))
            features.flush()
            _mark(out, start).touch()
    barrier()
    if is_main_process():
        FeatureStore.finish(out, meta)
        for mark in out.glob('.done_*'):
            mark.unlink()
    barrier()
    return FeatureStore.open(out)


def _mark(out: Path, start: int) -> Path:
    return out / f'.done_{start}'


def _batches(model: BaseModel, loader: DataLoader) -> Iterator[np.ndarray]:
    for batch in loader:
        yield _features(model, batch)


@torch.no_grad()
def _features(model: BaseModel, items: list[dict[str, Any]]) -> np.ndarray:
    inputs = default_collate([item['inputs'] for item in items])
    data = model.data_preprocessor({'inputs': inputs})
    return model(data['inputs'], mode='tensor').float().cpu().numpy()
