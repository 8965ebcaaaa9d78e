"""Process groups on GPUs and CPUs."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as torch_dist
from mmengine.config import Config
from mmengine.dist import (
    all_gather,
    get_comm_device,
    get_world_size,
    init_dist,
    is_distributed,
)
from torch import Tensor

# Ranks may be hours apart in work that they share out once; one that dies is
# noticed at once all the same, by its closed connection.
_CPU_TIMEOUT = timedelta(hours=12)


@contextlib.contextmanager
def ranks(launcher: str, *, gloo: bool = False) -> Iterator[None]:
    """Join the process group of a launcher, and leave it at the end.

    Without CUDA the ranks talk through gloo; mmengine's own launchers insist
    on CUDA.

    Args:
        launcher: ``'none'``, ``'pytorch'`` (torchrun) or ``'slurm'``.
        gloo: talk through gloo also where there is CUDA: for work on CPUs
            that keeps ranks waiting longer than NCCL does.

    Raises:
        ValueError: if the launcher has not started this process.
    """
    if launcher == 'none':
        yield
        return
    _check_started(launcher)
    if torch.cuda.is_available() and not gloo:
        init_dist(launcher)
    else:
        if launcher == 'slurm':
            _read_slurm()
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get('LOCAL_RANK', 0)))
        torch_dist.init_process_group('gloo', timeout=_CPU_TIMEOUT)
    try:
        yield
    finally:
        torch_dist.destroy_process_group()


def _check_started(launcher: str) -> None:
    name, command = {
        'pytorch': ('RANK', 'torchrun --nproc-per-node N'),
        'slurm': ('SLURM_PROCID', 'srun -n N python'),
    }[launcher]
    if name not in os.environ:
        raise ValueError(
            f'--launcher {launcher} is for processes that "{command} ..." '
            f'starts ({name} is not set here); leave the option out for one '
            f'process.'
        )


def _read_slurm() -> None:
    """Say in torch's variables what Slurm says in its own."""
    nodes = os.environ['SLURM_NODELIST']
    if 'MASTER_ADDR' not in os.environ:
        names = subprocess.run(
            ['scontrol', 'show', 'hostnames', nodes],
            check=True,
            capture_output=True,
            text=True,
        )
        os.environ['MASTER_ADDR'] = names.stdout.split()[0]
    os.environ.setdefault('MASTER_PORT', '29500')
    os.environ['RANK'] = os.environ['SLURM_PROCID']
    os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
    os.environ['LOCAL_RANK'] = os.environ.get('SLURM_LOCALID', '0')


def adapt_to_cpu_ranks(cfg: Config) -> None:
    """Let mmengine's Runner train on CPU ranks; call it inside ``ranks``.

    Sets plain DDP without device ids and no SyncBN. Does nothing on one
    process or where CUDA is there.

    Args:
        cfg: a runner config, changed in place.
    """
    if not is_distributed() or torch.cuda.is_available():
        return
    cfg.model_wrapper_cfg = {
        'type': 'MMDistributedDataParallel',
        'device_ids': None,
        # mmengine passes False for GPUs, but DDP's default is True
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
    }
    cfg.sync_bn = None
    cfg.merge_from_dict({'env_cfg.dist_cfg.backend': 'gloo'})


def all_gather_arrays(array: np.ndarray) -> list[np.ndarray]:
    """Return the arrays of all ranks, in order of rank.

    They travel as tensors, never as pickled objects.

    Args:
        array: ``(N, ...)`` of numbers, bools or strings. N may differ
            between ranks, the other sizes must not.
    """
    world_size = get_world_size()
    if world_size == 1:
        return [array]
    if array.dtype.kind == 'U':
        encoded = np.char.encode(array, 'utf-8')
        return [
            np.char.decode(part, 'utf-8')
            for part in all_gather_arrays(encoded)
        ]
    if array.dtype.kind == 'S':  # as wide as the widest of all ranks
        widths = all_gather_arrays(np.array([array.dtype.itemsize]))
        array = array.astype(f'S{np.max(widths)}')
    # (N, ...) -> (N, bytes of a row), padded to the longest rank
    shape, dtype = array.shape[1:], array.dtype
    lengths = [int(n) for n in _all_gather(torch.tensor([len(array)]))]
    row_bytes = dtype.itemsize * math.prod(shape)
    padded = np.zeros((max(lengths), row_bytes), np.uint8)
    np.ndarray(array.shape, dtype, padded)[:] = array
    parts = _all_gather(torch.from_numpy(padded))
    return [
        np.ndarray((length, *shape), dtype, part.numpy())
        for length, part in zip(lengths, parts, strict=True)
    ]


def _all_gather(tensor: Tensor) -> list[Tensor]:
    """Return the tensors of all ranks, which have the same shape."""
    return [part.cpu() for part in all_gather(tensor.to(get_comm_device()))]
