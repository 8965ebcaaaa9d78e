"""Count what an image costs in every method of pre-training.

Examples::

    python benchmarks/bench_methods.py
    python benchmarks/bench_methods.py configs/lup/*.py --batch-size 8

With one backbone, ResNet-50 of last stride 2 unless ``--own-backbone``: the
multiply-adds of a step per image of the batch, forward and backward, by
PyTorch's ``FlopCounterMode``; the bytes per image that the forward pass keeps
for the backward pass, in float32 and without the weights; and the size of all
that does not grow with the batch, in parameters. Counted on a CPU with random
images, so nothing depends on the machine.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = (
    'cion/cion_resnet50_8xb120-100e_cional.py',
    'dino/dino_resnet50_8xb64-100e_luperson.py',
    'lup/lup_resnet50_8xb320-200e_luperson.py',
    'pnl/pnl_resnet50_8xb192-90e_luperson-nl.py',
    'up_reid/up-reid_resnet50_8xb320-200e_luperson.py',
)
BACKBONE = {'type': 'ResNet', 'depth': 50, 'strides': (1, 2, 2, 2)}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'configs', nargs='*', default=[ROOT / 'configs' / c for c in CONFIGS]
    )
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--own-backbone', action='store_true')
    return parser.parse_args()


def count(cfg: Any, batch_size: int) -> dict[str, float]:
    """Return the costs of a step of a config."""
    from mmcion.registry import MODELS, TRANSFORMS
    from mmcion.structures import ReIDDataSample

    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    pipeline = [
        TRANSFORMS.build(each)
        for each in cfg.train_dataloader.dataset.pipeline[1:-1]
    ]
    image = torch.randint(256, (3, 256, 128), dtype=torch.uint8)
    found = Compose(pipeline)({'img': image})
    views = [
        view.float().div(255).expand(batch_size, -1, -1, -1)
        for view in found.get('views', found.get('img'))
    ]
    # two images per identity: the cost of CION does not depend on it
    samples = [
        ReIDDataSample(metainfo={'pid': i // 2}) for i in range(batch_size)
    ]
    weights = {w.untyped_storage().data_ptr() for w in model.parameters()}
    weights |= {b.untyped_storage().data_ptr() for b in model.buffers()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
            losses = model(views, samples, mode='loss')
        sum(v for k, v in losses.items() if 'loss' in k).backward()
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    every = sum(p.numel() for p in model.parameters())
    buffers = sum(b.numel() for b in model.buffers())
    return {
        'gmacs': counter.get_total_flops() / 2e9 / batch_size,
        'kept_mib': sum(kept.values()) / 2**20 / batch_size,
        'trained_m': trained / 1e6,
        'teacher_m': (every - trained) / 1e6,
        'buffers_m': buffers / 1e6,
    }


def main() -> None:
    """Print a table."""
    args = parse_args()
    print(
        '| config | GMACs | kept (MiB) | trained (M) | teacher (M) | '
        'buffers (M) |\n|---|---|---|---|---|---|'
    )
    with DefaultScope.overwrite_default_scope('mmcion'):
        for path in args.configs:
            cfg = Config.fromfile(path)
            if not args.own_backbone:
                cfg.model.backbone = BACKBONE
            cells = [f'{x:.1f}' for x in count(cfg, args.batch_size).values()]
            print(f'| {Path(path).stem} | {" | ".join(cells)} |', flush=True)


if __name__ == '__main__':
    main()
