"""Check that two ranks with SyncBN train as one process with all images.

Example::

    python benchmarks/bench_sync_bn.py --device cuda

The ranks may share a GPU. There is no SyncBN on CPUs: there batch norm keeps
its statistics. Gradients and statistics are compared, each relative to its
norm. The last line of output is JSON.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

RANKS, TOLERANCE = 2, 1e-3


def step(model: nn.Module, images: Tensor) -> None:
    """Make the gradients of a smooth loss, a mean over images."""
    model(images)[-1].square().mean().backward()


def make(args: argparse.Namespace) -> tuple[nn.Module, Tensor]:
    """Return the same model and images in every process."""
    from mmcion.registry import MODELS

    torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(0)
    model = MODELS.build({'type': 'ResNetIBN', 'depth': args.depth})
    model.init_weights()
    model.train(args.device == 'cuda')
    images = torch.randn(args.batch, 3, 64, 32)
    return model.to(args.device), images.to(args.device)


def tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return gradients and statistics by name."""
    found = {name: p.grad for name, p in model.named_parameters()}
    found |= {n: b for n, b in model.named_buffers() if b.is_floating_point()}
    return {name: tensor.cpu() for name, tensor in found.items()}


def work(rank: int, folder: str, args: argparse.Namespace) -> None:
    """Train on a rank's part of the images; rank 0 saves the result."""
    from mmengine.model import convert_sync_batchnorm

    # NCCL wants a GPU for each rank
    several = args.device == 'cuda' and torch.cuda.device_count() >= RANKS
    if args.device == 'cuda':
        torch.cuda.set_device(rank if several else 0)
    dist.init_process_group(
        'nccl' if several else 'gloo',
        init_method=(Path(folder) / 'store').as_uri(),
        rank=rank,
        world_size=RANKS,
    )
    model, images = make(args)
    if args.device == 'cuda':
        model = convert_sync_batchnorm(model, 'torch')
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    step(wrapped, images.chunk(RANKS)[rank])
    if rank == 0:
        torch.save(tensors(model), Path(folder) / 'tensors.pt')
    dist.destroy_process_group()


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--depth', type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(work, (folder, args), RANKS)
        found = torch.load(Path(folder) / 'tensors.pt')
    model, images = make(args)
    step(model, images)
    differences = {
        name: float((found[name] - value).norm() / value.norm())
        for name, value in tensors(model).items()
        if value.any()
    }
    worst = max(differences, key=differences.__getitem__)
    report: dict[str, Any] = {
        **vars(args),
        'compared': len(differences),
        'largest_difference': differences[worst],
        'of': worst,
    }
    assert differences[worst] < TOLERANCE, report
    print(json.dumps(report))


if __name__ == '__main__':
    main()
