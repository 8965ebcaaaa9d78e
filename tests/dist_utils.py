"""Run a function on several gloo ranks."""

import gc
import os
import tempfile
import time
from datetime import timedelta
from multiprocessing import set_start_method
from pathlib import Path

import torch
import torch.distributed as dist
from torch.multiprocessing import start_processes

_SECONDS = 300


def run_on_ranks(fn, *args, world_size=2):
    """Call ``fn(*args)`` in one fresh process per rank, and wait for all.

    The ranks meet in a file, so no port is taken. They are forked from the
    server of ``tests/conftest.py``, which has imported the heavy packages.

    Args:
        fn: Function at the top level of a module.
        args: Picklable arguments.
        world_size: Number of ranks.

    Returns:
        What every rank returned, in order.

    Raises:
        ProcessRaisedException: If a rank raises; the text holds its traceback.
        ProcessExitedException: If a rank dies.
        TimeoutError: If the ranks take too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        ranks = start_processes(
            _work,
            (world_size, folder, fn, args),
            nprocs=world_size,
            join=False,
            start_method='forkserver',
        )
        deadline = time.monotonic() + _SECONDS
        try:
            while not ranks.join(1):
                if time.monotonic() > deadline:
                    raise TimeoutError(f'{fn.__name__} on {world_size} ranks')
        finally:
            for process in ranks.processes:
                process.kill()
        return [
            torch.load(Path(folder) / f'{rank}.pt', weights_only=False)
            for rank in range(world_size)
        ]


def _work(rank, world_size, folder, fn, args):
    gc.freeze()  # what the server has imported is never garbage
    set_start_method(None, force=True)  # of the workers of data loaders
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size)
    )
    dist.init_process_group(
        'gloo',
        init_method=(Path(folder) / 'store').as_uri(),
        rank=rank,
        world_size=world_size,
        timeout=timedelta(seconds=_SECONDS),
    )
    try:
        torch.save(fn(*args), Path(folder) / f'{rank}.pt')
    finally:
        dist.destroy_process_group()
