"""Load the batches of a forward pass beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset


def load_ahead(
    dataset: Dataset,
    rows: Sequence[int],
    batch_size: int,
    *,
    device: torch.device,
    num_workers: int,
    collate: Callable[[list], Any],
) -> Iterator[Any]:
    """Yield the batches of some rows, while the next ones are loaded.

    On a CPU one thread loads the next batch. The network has all cores
    already: processes would only take them from it, and forking one costs as
    much as hundreds of images, because the network's memory is copied.

    Args:
        dataset: Images after the transforms.
        rows: Rows to load, in this order.
        batch_size: Rows of a batch; the last one may have fewer.
        device: Where the network computes.
        num_workers: Processes that load for another device than the CPU.
        collate: Makes a batch of a list of items.
    """
    batches = [
        list(rows[start : start + batch_size])
        for start in range(0, len(rows), batch_size)
    ]
    if device.type != 'cpu':
        yield from DataLoader(
            dataset,
            batch_sampler=batches,
            num_workers=num_workers,
            collate_fn=collate,
        )
        return

    def load(number: int) -> list[Any]:
        return [dataset[row] for row in batches[number]]

    # the thread starts with the second batch; a single one needs none
    with ThreadPoolExecutor(1) as pool:
        items = load(0) if batches else []
        for number in range(1, len(batches)):
            ahead = pool.submit(load, number)
            yield collate(items)
            items = ahead.result()
        if items:
            yield collate(items)
