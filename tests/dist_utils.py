"""Run a function on several gloo ranks."""

import os
import tempfile
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

_TIMEOUT = timedelta(seconds=120)


def run_on_ranks(fn, *args, world_size=2):
    """Call ``fn(*args)`` in one process per rank, and wait for all.

    The ranks meet in a file, so no port is taken. An exception of a rank is
    raised here as ``ProcessRaisedException``; its text holds the traceback.

    Args:
        fn: a function of a module, since processes are spawned.
        args: must be picklable.
        world_size: number of ranks.

    Returns:
        What every rank returned, in order.
    """
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_work, (world_size, folder, fn, args), nprocs=world_size)
        return [
            torch.load(Path(folder) / f'{rank}.pt', weights_only=False)
            for rank in range(world_size)
        ]


def _work(rank, world_size, folder, fn, args):
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size)
    )
    dist.init_process_group(
        'gloo',
        init_method=(Path(folder) / 'store').as_uri(),
        rank=rank,
        world_size=world_size,
        timeout=_TIMEOUT,
    )
    try:
        torch.save(fn(*args), Path(folder) / f'{rank}.pt')
    finally:
        dist.destroy_process_group()
