"""Data and config of short trainings with the shipped recipe, by options."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from plain_forms import make_images

ROOT = Path(__file__).resolve().parents[1]

CONFIG = ROOT / 'configs/cion/cion_resnet50-ibn_8xb120-100e_cional.py'
# what options are unless given, on CUDA and on CPUs
SIZES: dict[str, tuple[Any, Any]] = {
    'batch': (120, 4),
    'num_instances': (8, 2),
    'depth': (50, 18),
    'num_local': (8, 2),
    'view_height': (256, 64),
    'prototypes': (65336, 1024),
    'images': (2400, 32),
    'workers': (8, 1),
    'warmup': (16, 1),
    'steps': (64, 2),
    'chunk_size': (8192, 0),
    'channels_last': (True, True),
    'compile': (True, False),
}
WRAPPERS = {
    'bf16': {'type': 'Bf16OptimWrapper'},
    'fp16': {'type': 'AmpOptimWrapper', 'dtype': 'float16'},
    'fp32': {'type': 'OptimWrapper'},
}


def parse_sizes(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Add the options of a training and read the command line."""
    found = 'cuda' if torch.cuda.is_available() else 'cpu'
    parser.add_argument('--device', choices=('cuda', 'cpu'), default=found)
    for name, sizes in SIZES.items():
        kind: dict[str, Any] = {'type': int}
        if isinstance(sizes[0], bool):
            kind = {'action': argparse.BooleanOptionalAction}
        option = '--' + name.replace('_', '-')
        text = f'on CUDA {sizes[0]}, on CPUs {sizes[1]}'
        parser.add_argument(option, help=text, **kind)
    parser.add_argument('--crops', choices=('cpu', 'device'), default='cpu')
    parser.add_argument('--precision', choices=WRAPPERS, default='bf16')
    args = parser.parse_args()
    for name, sizes in SIZES.items():
        if getattr(args, name) is None:
            setattr(args, name, sizes[args.device == 'cpu'])
    if args.batch % args.num_instances:
        parser.error('--batch must be a multiple of --num-instances')
    if min(args.workers, args.warmup, args.steps) < 1:
        parser.error('--workers, --warmup and --steps must be at least 1')
    return args


def write_data(args: argparse.Namespace, folder: Path) -> None:
    """Write images and an annotation that lasts for both measurements.

    Its rows name the images again and again. Every identity has K rows.
    """
    from mmcion.structures import AnnotationTable

    (folder / 'images').mkdir()
    for number, jpeg in enumerate(make_images(args.images, 300, 130)):
        (folder / 'images' / f'{number}.jpg').write_bytes(jpeg)
    # workers load ahead until the end, as they do within an epoch
    batches = args.warmup + args.steps + 2 * args.workers
    rows = np.arange(batches * args.batch)
    names = [f'{row % args.images}.jpg' for row in rows]
    table = AnnotationTable(names, rows // args.num_instances)
    table.save(folder / 'annotation')


def entry(parts: list[Any], name: str) -> Any:
    """Return the part of a list of configs that has this type."""
    return next(part for part in parts if part['type'] == name)


def make_config(args: argparse.Namespace, folder: Path, batch: int) -> Config:
    """Return the shipped config with our sizes and data."""
    cfg = Config.fromfile(CONFIG)
    loader = 'train_dataloader.'
    options = {
        'work_dir': str(folder / 'work'),
        'log_level': 'ERROR',
        'default_hooks.checkpoint.interval': cfg.train_cfg.max_epochs,
        'model.channels_last': args.channels_last,
        'model.compile_backbone': args.compile,
        'model.backbone.depth': args.depth,
        'model.projector.num_prototypes': args.prototypes,
        'model.head.chunk_size': args.chunk_size or None,
        loader + 'batch_size': batch,
        loader + 'num_workers': args.workers,
        loader + 'batch_sampler.num_instances': args.num_instances,
        loader + 'dataset.ann_file': str(folder / 'annotation'),
        loader + 'dataset.data_root': str(folder / 'images'),
    }
    cfg.merge_from_dict(options)
    cfg.optim_wrapper.update(WRAPPERS[args.precision])
    height = args.view_height
    entry(cfg.train_dataloader.dataset.pipeline, 'MultiCrop').update(
        global_size=(height, height // 2),
        local_size=(height // 2, height // 4),
        num_local=args.num_local,
        on_device=args.crops == 'device',
    )
    cfg.custom_hooks.remove(entry(cfg.custom_hooks, 'InstanceScheduleHook'))
    entry(cfg.custom_hooks, 'FreezeLastLayerHook').update(epochs=0)
    return cfg


def in_process(
    form: Callable, args: argparse.Namespace, batch: int
) -> dict[str, Any]:
    """Return what a form measures in a process of its own."""
    with (
        tempfile.TemporaryDirectory() as name,
        ProcessPoolExecutor(1, get_context('spawn')) as pool,
    ):
        folder = Path(name)
        write_data(args, folder)
        return pool.submit(form, args, folder, batch).result()
