"""What training steps take: seconds, waiting for data, memory."""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor, nn

MIB = 2**20


def wait(device: str) -> None:
    """Wait until the device has done all that it was told."""
    if device == 'cuda':
        torch.cuda.synchronize()


class Window:
    """The time of some steps after a warm-up.

    Attributes:
        seconds: of a step, None until all are done.
        waiting: share of the time in which no batch was there.
        peak: bytes that the allocator held at most; 0 on CPUs.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.device = args.device
        self.warmup, self.steps = args.warmup, args.steps
        self.total = self.warmup + self.steps
        self.seconds: float | None = None
        self.waiting, self.peak = 0.0, 0
        self._count, self._began, self._waited = 0, 0.0, 0.0
        self._free = time.perf_counter()

    def batch_came(self) -> None:
        """Note that a batch is there."""
        self._waited += time.perf_counter() - self._free

    def step_done(self) -> None:
        """Note that a step was made, or the device told to make it."""
        self._count += 1
        if self._count == self.warmup:
            self._open()
        elif self._count == self.total:
            self._close()
        self._free = time.perf_counter()

    def _open(self) -> None:
        wait(self.device)
        if self.device == 'cuda':
            torch.cuda.reset_peak_memory_stats()
        self._began, self._waited = time.perf_counter(), 0.0

    def _close(self) -> None:
        wait(self.device)
        seconds = time.perf_counter() - self._began
        self.seconds = seconds / self.steps
        self.waiting = self._waited / seconds
        if self.device == 'cuda':
            self.peak = torch.cuda.max_memory_allocated()


def state_bytes(model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Return the bytes that lie on the device between steps."""
    moments = [
        value
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    ]
    tensors = [*model.parameters(), *model.buffers(), *moments]
    return sum(tensor.nbytes for tensor in tensors)
