"""Extract the features of a table of images."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.dist import barrier, get_dist_info, is_main_process
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from mmcion.datasets import TrackletDataset, UnreadableImageError
from mmcion.models.utils import eval_mode
from mmcion.models.weights.network_config import class_name
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.checks import UserError, check_at_least, join_names
from mmcion.utils.io import hash_value, read_json, write_json
from mmcion.utils.paths import printable
from mmcion.utils.progress import progress_bar
from mmcion.utils.result_folder import ResultFolder

_BLOCK_ROWS = 2048  # finished blocks are not extracted again after a kill
_NUM_SHOWN = 10


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
    overwrite: bool = False,
) -> FeatureStore:
    """Extract one feature per row of a table, on all ranks together.

    Ranks take turns at blocks of rows. A run that was killed is resumed with
    the blocks that are missing, and tries unreadable images again. See
    ``ResultFolder`` for features that are there already.

    Args:
        model: ``model(inputs)`` returns ``(N, D)`` features.
        table: Images to extract.
        pipeline: Test transforms.
        out: Folder of the store.
        meta: What identifies the model, such as the hash of its weights.
        batch_size: Images per forward pass.
        num_workers: See ``image_loader``.
        max_unreadable: Number of images, over all ranks, that may be missing
            or damaged. Their features are zero, and the store lists them.
        device: Device of the model; the best available one if None.
        overwrite: Whether to replace features that are there.

    Raises:
        UserError: If more images cannot be read, the table has no rows, or
            ``out`` holds something else.
    """
    if not len(table):
        raise UserError('the table has no images.')
    check_at_least(1, batch_size=batch_size)
    check_at_least(0, num_workers=num_workers, max_unreadable=max_unreadable)
    fingerprint, transforms = table.fingerprint(), hash_value(list(pipeline))
    with ResultFolder(
        out,
        'features',
        settings={**meta, 'pipeline': transforms},
        inputs={'table': fingerprint},
        overwrite=overwrite,
    ) as results:
        if results.is_complete:
            print_log(f'{out}: features are there already', logger='current')
            store = FeatureStore.open(out)
            unreadable = dict.fromkeys(store.unreadable, '')
            _check_unreadable(table, unreadable, max_unreadable)
            return store
        device = torch.device(device or get_device())
        model = model.to(device)
        dataset = _ReadableImages(TrackletDataset(table, pipeline))
        with eval_mode(model):
            dim = _feature_dim(model, dataset, table, max_unreadable)
        # one rank creates the array, all map it and fill blocks of rows
        if is_main_process():
            FeatureStore.create(results.path, (len(table), dim))
        barrier()
        features = FeatureStore.create(results.path, (len(table), dim))
        with eval_mode(model):
            _fill(
                *(model, dataset, table, features),
                *(results.path, max_unreadable),
                batch_size=batch_size,
                num_workers=num_workers,
                device=device,
            )
        barrier()
        # of the blocks of all ranks
        marks = sorted(results.path.glob('.done_*'))
        failed = sorted(
            x for mark in marks for x in read_json(mark, list[int])
        )
        _check_unreadable(table, dict.fromkeys(failed, ''), max_unreadable)
        barrier()
        # no rank may still read the marks when they are removed
        if is_main_process():
            if failed:
                print_log(
                    f'{len(failed)} of {len(table)} images cannot be read; '
                    f'their features are zero: {_names(table, failed)}',
                    logger='current',
                    level=logging.WARNING,
                )
            origin = {
                'table': fingerprint,
                'pipeline': transforms,
                'transforms': [
                    {**each, 'type': class_name(each)} for each in pipeline
                ],
            }
            FeatureStore.finish(
                results.path, {**meta, **origin, 'unreadable': failed}
            )
            for mark in marks:
                mark.unlink()
        results.finish()
    return FeatureStore.open(out)


def image_loader(
    dataset: Dataset, device: torch.device, num_workers: int, **options: Any
) -> DataLoader:
    """Return what loads the batches of a network.

    On a CPU, images are loaded between the forward passes. Done at the same
    time, it costs a network of two threads more than it saves: each of its
    operations waits for the thread that shares a core. Forking a process
    copies the network's memory, which takes as long as hundreds of images.

    Args:
        dataset: Images after the transforms.
        device: Where the network computes.
        num_workers: Processes that load for another device than the CPU.
        **options: Of ``DataLoader``.
    """
    return DataLoader(
        dataset,
        num_workers=0 if device.type == 'cpu' else num_workers,
        generator=torch.Generator(),  # leaves torch's random state as it is
        **options,
    )


class _ReadableImages(Dataset):
    """A dataset whose item is a message where the image cannot be read."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, row: int) -> dict[str, Any] | str:
        try:
            return self.dataset[row]
        except UnreadableImageError as error:
            return str(error)


def _feature_dim(
    model: BaseModel, dataset: Dataset, table: TrackletTable, allowed: int
) -> int:
    """Return D, from the first image that can be read."""
    unreadable: dict[int, str] = {}
    for row in range(len(table)):
        item = dataset[row]
        if not isinstance(item, str):
            return _features(model, item['inputs'][None]).shape[1]
        unreadable[row] = item
        _check_unreadable(table, unreadable, allowed)
    raise UserError(
        f'none of the {len(table)} images can be read: {unreadable[0]}'
    )


def _fill(
    model: BaseModel,
    dataset: Dataset,
    table: TrackletTable,
    features: np.memmap,
    folder: Path,
    allowed: int,
    *,
    batch_size: int,
    num_workers: int,
    device: torch.device,
) -> None:
    """Extract the rows that this rank is missing, block by block.

    A file ``.done_<first row>`` marks a finished block; it lists the rows
    that could not be read, which the next run tries again.
    """
    # ranks take turns, so that all are at about the same place on the disk
    rank, world_size = get_dist_info()
    missing: dict[int, list[int]] = {}
    for start in range(0, len(table), _BLOCK_ROWS)[rank::world_size]:
        rows = list(range(start, min(start + _BLOCK_ROWS, len(table))))
        mark = folder / f'.done_{start}'
        missing[start] = read_json(mark, list[int]) if mark.exists() else rows
    # no batch is of two blocks: a resumed run has the same batches
    batches = {
        start: [
            rows[first : first + batch_size]
            for first in range(0, len(rows), batch_size)
        ]
        for start, rows in missing.items()
    }
    loader = iter(
        image_loader(
            dataset,
            device,
            num_workers,
            batch_sampler=[
                rows for block in batches.values() for rows in block
            ],
            collate_fn=_collate,
        )
    )
    unreadable: dict[int, str] = {}
    with progress_bar(
        total=sum(map(len, missing.values())),
        desc='features',
        unit='img',
        disable=not is_main_process(),
    ) as bar:
        for start, block in batches.items():
            for rows, (messages, inputs) in zip(block, loader, strict=False):
                failed = {rows[place]: x for place, x in messages.items()}
                unreadable |= failed
                features[[*failed]] = 0
                if inputs is not None:
                    readable = [row for row in rows if row not in failed]
                    features[readable] = _features(model, inputs)
                _check_unreadable(table, unreadable, allowed)
                bar.update(len(rows))
            features.flush()  # the mark must not be older than the rows
            write_json(
                folder / f'.done_{start}',
                sorted(unreadable.keys() & {*missing[start]}),
            )


def _collate(
    items: list[dict[str, Any] | str],
) -> tuple[dict[int, str], Tensor | None]:
    """Return the messages of a batch by their place, and its images."""
    messages = {
        place: item
        for place, item in enumerate(items)
        if isinstance(item, str)
    }
    images = [item['inputs'] for item in items if not isinstance(item, str)]
    return messages, default_collate(images) if images else None


@torch.inference_mode()
def _features(model: BaseModel, inputs: Tensor) -> np.ndarray:
    data = model.data_preprocessor({'inputs': inputs})
    # (B, 3, H, W) -> (B, D)
    return model(data['inputs'], mode='tensor').float().cpu().numpy()


def _check_unreadable(
    table: TrackletTable, unreadable: Mapping[int, str], allowed: int
) -> None:
    """Raise if more rows than allowed cannot be read, with a reason."""
    if len(unreadable) > allowed:
        reason = next(iter(unreadable.values())) or 'see the log'
        raise UserError(
            f'cannot read {len(unreadable)} of {len(table)} images, more than '
            f'max_unreadable ({allowed}): {_names(table, unreadable)} '
            f'({reason}). Allow more, or restore them and run again, with '
            f'--overwrite if features are there.'
        )


def _names(table: TrackletTable, rows: Iterable[int]) -> str:
    names = (printable(table.image_path(row)) for row in sorted(rows))
    return join_names(names, most=_NUM_SHOWN)
