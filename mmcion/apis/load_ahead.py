"""Load the batches of a forward pass beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset


def in_batches(rows: Sequence[int], batch_size: int) -> list[list[int]]:
    """Cut rows into batches; the last one may have fewer."""
    return [
        list(rows[start : start + batch_size])
        for start in range(0, len(rows), batch_size)
    ]


def load_ahead(
    dataset: Dataset,
    batches: Sequence[list[int]],
    *,
    device: torch.device,
    num_workers: int,
    collate: Callable[[list], Any],
) -> Iterator[Any]:
    """Yield batches, while the next ones are loaded.

    On a CPU one thread loads the next batch. The network has all cores
    already: processes would only take them from it, and forking one costs as
    much as hundreds of images, because the network's memory is copied.

    Args:
        dataset: Images after the transforms.
        batches: Rows of each.
        device: Where the network computes.
        num_workers: Processes that load for another device than the CPU.
        collate: Makes a batch of a list of items.
    """
    if device.type != 'cpu':
        yield from DataLoader(
            dataset,
            batch_sampler=batches,
            num_workers=num_workers,
            collate_fn=collate,
        )
        return

    def load(rows: list[int]) -> Any:
        return collate([dataset[row] for row in rows])

    if not batches:
        return
    # the thread starts with the second batch; a single one needs none
    with ThreadPoolExecutor(1) as pool:
        batch = load(batches[0])
        for rows in batches[1:]:
            ahead = pool.submit(load, rows)
            yield batch
            batch = ahead.result()
        yield batch
