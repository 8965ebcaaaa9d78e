"""Process groups on GPUs and CPUs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import torch
import torch.distributed as torch_dist
from mmengine.config import Config
from mmengine.dist import init_dist, is_distributed

_CPU_TIMEOUT = timedelta(minutes=30)


@contextlib.contextmanager
def ranks(launcher: str) -> Iterator[None]:
    """Join the process group of a launcher, and leave it at the end.

    Without CUDA the ranks of torchrun talk through gloo; mmengine's own
    launcher insists on CUDA.

    Args:
        launcher: ``'none'``, ``'pytorch'`` (torchrun) or ``'slurm'``.

    Raises:
        ValueError: for Slurm without CUDA.
    """
    if launcher == 'none':
        yield
        return
    if torch.cuda.is_available():
        init_dist(launcher)
    elif launcher == 'pytorch':
        torch_dist.init_process_group('gloo', timeout=_CPU_TIMEOUT)
    else:
        raise ValueError(
            f'launcher {launcher!r} needs GPUs; on CPU use torchrun with '
            f"--launcher pytorch, or launcher 'none'."
        )
    try:
        yield
    finally:
        torch_dist.destroy_process_group()


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
