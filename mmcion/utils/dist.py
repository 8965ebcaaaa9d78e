"""Process groups on GPUs and CPUs."""

from __future__ import annotations

import contextlib
import logging
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
    get_rank,
    get_world_size,
    init_dist,
    is_distributed,
)
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .checks import UserError

# Ranks may be hours apart in work that is split once; a rank that dies is
# noticed at once all the same, by its closed connection.
_CPU_TIMEOUT = timedelta(hours=12)


@contextlib.contextmanager
def ranks(launcher: str, *, gloo: bool = False) -> Iterator[None]:
    """Join the process group of a launcher, and leave it at the end.

    Without CUDA the ranks communicate through gloo; mmengine's own launchers
    insist on CUDA.

    Args:
        launcher: ``'none'``, ``'pytorch'`` (torchrun) or ``'slurm'``.
        gloo: Whether to use gloo with CUDA, too: for work on CPUs that keeps
            ranks waiting longer than NCCL allows.
    """
    if launcher == 'none':
        yield
        return
    environ = os.environ
    name = {'pytorch': 'RANK', 'slurm': 'SLURM_PROCID'}[launcher]
    command = {'pytorch': 'torchrun', 'slurm': 'srun'}[launcher]
    if name not in environ:
        raise UserError(
            f'--launcher {launcher} needs {command}, which sets {name}.'
        )
    if torch.cuda.is_available() and not gloo:
        init_dist(launcher)
    else:
        if launcher == 'slurm':  # torch's variables from those of Slurm
            if 'MASTER_ADDR' not in environ:
                list_hosts = ['scontrol', 'show', 'hostnames']
                list_hosts.append(environ['SLURM_NODELIST'])
                hosts = subprocess.check_output(list_hosts, text=True)
                environ['MASTER_ADDR'] = hosts.split()[0]
            environ.setdefault('MASTER_PORT', '29500')
            environ['RANK'] = environ['SLURM_PROCID']
            environ['WORLD_SIZE'] = environ['SLURM_NTASKS']
            environ['LOCAL_RANK'] = environ.get('SLURM_LOCALID', '0')
        if torch.cuda.is_available():
            torch.cuda.set_device(int(environ.get('LOCAL_RANK', 0)))
        torch_dist.init_process_group('gloo', timeout=_CPU_TIMEOUT)
    try:
        yield
    finally:
        torch_dist.destroy_process_group()


def adapt_to_test_ranks(cfg: Config) -> None:
    """Let several ranks test any model, also one without parameters.

    Nothing is trained, so DDP has nothing to do. Call it inside ``ranks``.
    """
    adapt_to_cpu_ranks(cfg)
    if is_distributed():
        cfg.model_wrapper_cfg = {'type': 'mmcion.RankWrapper'}
        cfg.sync_bn = None


def adapt_to_cpu_ranks(cfg: Config) -> None:
    """Let mmengine's Runner train on CPU ranks; call it inside ``ranks``.

    Sets plain DDP without device ids and without SyncBN, in place. Does
    nothing for a single process or with CUDA.
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


def warn_of_batch_norm(model: nn.Module, logger: logging.Logger) -> None:
    """Say that CPU ranks have no SyncBN, if they train batch norm."""
    if not is_distributed() or torch.cuda.is_available():
        return
    if any(isinstance(m, _BatchNorm) and m.training for m in model.modules()):
        logger.warning(
            'batch norm takes the statistics of each rank, since there is no '
            'SyncBN on CPUs: the result is not that of one process.'
        )


def gather_rows(rows: Tensor) -> Tensor:
    """Return rows ``(N, ...)`` of all W ranks, ``(W N, ...)``.

    N must be the same on all ranks. The gradient reaches the rank's own rows
    only; nothing is communicated in the backward pass.
    """
    rows = rows.contiguous()  # NCCL sends no slices
    parts = all_gather(rows.detach())
    parts[get_rank()] = rows
    return torch.cat(parts)


def all_gather_arrays(array: np.ndarray) -> list[np.ndarray]:
    """Return the arrays of all ranks, in order of rank.

    They are sent as tensors, never as pickled objects.

    Args:
        array: ``(N, ...)`` of numbers, bools or strings. Only N may differ
            between ranks.
    """
    world_size = get_world_size()
    if world_size == 1:
        return [array]
    if (kind := array.dtype.kind) in 'US':
        # as wide as the widest strings of all ranks
        width = array.dtype.itemsize // np.dtype(f'{kind}1').itemsize
        widths = all_gather_arrays(np.array([width]))
        array = array.astype(f'{kind}{np.max(widths)}')
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
