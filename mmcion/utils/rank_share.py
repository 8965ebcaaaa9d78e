"""RankShare: split rows over ranks, and put the parts together again."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.distributed as torch_dist
from mmengine.dist import get_comm_device, get_dist_info
from torch import Tensor


class RankShare:
    """What this process has to do of work on rows, and what others did.

    Arrays travel as tensors, never as pickled objects. Made without
    arguments, the part is the whole and nothing is sent.

    Args:
        rank: number of this process.
        world_size: how many share the work; more than 1 needs a process
            group, in which all call the same methods in the same order.
    """

    def __init__(self, rank: int = 0, world_size: int = 1) -> None:
        self.rank = rank
        self.world_size = world_size

    @classmethod
    def of_process_group(cls) -> RankShare:
        """Return the share of this process of its group, if there is one."""
        return cls(*get_dist_info())

    def part(self, rows: np.ndarray) -> np.ndarray:
        """Return this rank's run of rows; runs of ranks follow each other."""
        return np.array_split(rows, self.world_size)[self.rank]

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of all ranks, those of rank 0 first.

        Args:
            rows: ``(N, ...)`` of numbers, bools or text; N may differ, the
                other sizes must not.
        """
        if self.world_size == 1:
            return rows
        return np.concatenate(self._gathered(rows))

    def gather_interleaved(self, rows: np.ndarray) -> np.ndarray:
        """Return the first row of every rank, then the second of each, ...

        That is the order in which mmengine's ``DefaultSampler`` dealt them.
        """
        if self.world_size == 1:
            return rows
        parts = self._gathered(rows)
        turn = np.concatenate([np.arange(len(part)) for part in parts])
        return np.concatenate(parts)[np.argsort(turn, kind='stable')]

    def _gathered(self, rows: np.ndarray) -> list[np.ndarray]:
        if rows.dtype.kind == 'U':
            encoded = np.char.encode(rows, 'utf-8')
            return [
                np.char.decode(part, 'utf-8')
                for part in self._gathered(encoded)
            ]
        if rows.dtype.kind == 'S':  # as wide as the widest of all ranks
            width = self.gather(np.array([rows.dtype.itemsize])).max()
            rows = rows.astype(f'S{width}')
        shape, dtype = rows.shape[1:], rows.dtype
        counts = [int(n) for n in self._exchange(torch.tensor([len(rows)]))]
        row_bytes = dtype.itemsize * math.prod(shape)
        padded = np.zeros((max(counts), row_bytes), np.uint8)
        np.ndarray(rows.shape, dtype, padded)[:] = rows
        return [
            np.ndarray((count, *shape), dtype, part.numpy())
            for part, count in zip(
                self._exchange(torch.from_numpy(padded)), counts, strict=True
            )
        ]

    def _exchange(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensors of all ranks, which are of one shape."""
        tensor = tensor.to(get_comm_device())
        parts = [torch.empty_like(tensor) for _ in range(self.world_size)]
        torch_dist.all_gather(parts, tensor)
        return [part.cpu() for part in parts]
