"""Measure how fast a model turns images into features."""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from mmcion.models import ReIDModel

BACKENDS = ('eager', 'compiled', 'onnxruntime')
EXAMPLE = """examples:
  python tools/analysis_tools/benchmark.py resnet50_ibn --batch-sizes 1 8 32
  python tools/analysis_tools/benchmark.py fastvit_s12 \\
      --backends eager compiled onnxruntime --device cpu
  python tools/analysis_tools/benchmark.py work_dirs/vit_small-0123abcd.pth \\
      --device cuda --amp --batch-sizes 64 256

Images are in memory and normalised already; branches are fused. Names and
configs are measured with random weights. The last line is a JSON summary.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.checks import UserError, check_at_least, check_device
    from mmcion.utils.cli import add_model_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    add_model_options(parser, weights=False)
    parser.add_argument(
        '--batch-sizes', nargs='+', type=int, default=[1, 8], metavar='N'
    )
    parser.add_argument(
        '--backends',
        nargs='+',
        choices=BACKENDS,
        default=['eager'],
        help='onnxruntime runs on CPUs here (default: eager)',
    )
    parser.add_argument(
        '--device', default='cpu', help='such as cuda (default: %(default)s)'
    )
    parser.add_argument(
        '--amp', action='store_true', help='autocast to bfloat16 in PyTorch'
    )
    parser.add_argument(
        '--warmup', type=int, default=5, help='batches before measuring'
    )
    parser.add_argument(
        '--repeats', type=int, default=30, help='batches that are measured'
    )
    args = parser.parse_args()
    check_at_least(
        1,
        **{
            '--repeats': args.repeats,
            '--warmup': args.warmup,
            '--batch-sizes': min(args.batch_sizes),
        },
    )
    if 'onnxruntime' in args.backends and args.device != 'cpu':
        raise UserError('onnxruntime is measured with --device cpu only.')
    check_device(args.device)
    return args


def runner(
    backend: str,
    model: 'ReIDModel',
    size: tuple[int, int],
    args: argparse.Namespace,
) -> Callable[['Tensor'], Any]:
    """Return what maps a batch of images to features."""
    import torch

    from mmcion.apis.export import DeployedModel, export_model
    from mmcion.apis.export_parity import open_exported

    if backend == 'onnxruntime':
        # the file is read before its folder is removed
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'model.onnx'
            export_model(model, path, image_size=size)
            return open_exported(path, 'onnx')
    # with fused branches, as it would be deployed
    deployed = DeployedModel(model)
    deployed.fuse()
    run = deployed.to(args.device)
    if backend == 'compiled':
        run = torch.compile(run)

    def forward(images: 'Tensor') -> 'Tensor':
        kind = images.device.type
        with (
            torch.no_grad(),
            torch.autocast(kind, torch.bfloat16, enabled=args.amp),
        ):
            return run(images)

    return forward


def measure(
    run: Callable[['Tensor'], Any],
    images: 'Tensor',
    warmup: int,
    repeats: int,
) -> dict[str, float]:
    """Return latency in milliseconds and images per second."""
    import numpy as np
    import torch

    # a call on a GPU returns before its kernels have run
    def wait() -> None:
        if images.is_cuda:
            torch.cuda.synchronize(images.device)

    # first calls allocate memory, choose kernels and compile
    for _ in range(warmup):
        run(images)
    seconds = []
    for _ in range(repeats):
        wait()
        began = time.perf_counter()
        run(images)
        wait()
        seconds.append(time.perf_counter() - began)
    # not the mean: other processes only ever add time
    median, late = np.percentile(seconds, (50, 90))
    return {
        'median_ms': round(1000 * median, 3),
        'p90_ms': round(1000 * late, 3),
        'images_per_second': round(len(images) / median, 2),
    }


def main() -> None:
    """Measure, and print a row per backend and batch size."""
    args = parse_args()
    import torch
    from torch._dynamo.exc import TorchDynamoException

    from mmcion.apis.features import input_size
    from mmcion.apis.zoo import get_model, is_weight_file
    from mmcion.utils.checks import UserError, check_image_size

    # speed does not depend on the values of weights
    model = get_model(
        args.model,
        None if is_weight_file(args.model) else False,
        custom_imports=args.custom_imports,
    )
    height, width = check_image_size(args.image_size or input_size(model))
    spec = getattr(model, 'spec', None)
    rows = []
    print(
        f'{"backend":13}{"batch":>6}{"median ms":>12}{"p90 ms":>12}'
        f'{"images/s":>10}'
    )
    for backend in args.backends:
        run = runner(backend, model, (height, width), args)
        for batch in args.batch_sizes:
            # else the first batch size would be compiled for all later ones
            torch.compiler.reset()
            images = torch.randn(batch, 3, height, width, device=args.device)
            try:
                found = measure(run, images, args.warmup, args.repeats)
            except TorchDynamoException as error:
                raise UserError(
                    f'torch.compile cannot compile here: '
                    f'{str(error).splitlines()[0]}'
                ) from error
            rows.append({'backend': backend, 'batch_size': batch, **found})
            print(
                f'{backend:13}{batch:>6}{found["median_ms"]:>12.2f}'
                f'{found["p90_ms"]:>12.2f}{found["images_per_second"]:>10.1f}',
                flush=True,
            )
    on_gpu = args.device.startswith('cuda')
    summary = {
        'model': args.model,
        'arch': spec and spec.arch,
        'image_size': [height, width],
        'device': torch.cuda.get_device_name(args.device)
        if on_gpu
        else f'cpu, {torch.get_num_threads()} threads',
        'amp': args.amp,
        'torch': str(torch.__version__),
        'results': rows,
    }
    print(json.dumps(summary))


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
