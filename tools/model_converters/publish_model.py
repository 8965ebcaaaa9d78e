"""Make a model file of a checkpoint: one backbone, and how to use it."""

import argparse
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

EXAMPLE = """example:
  python tools/model_converters/publish_model.py \\
      work_dirs/cion/epoch_100.pth --arch resnet50_ibn --from teacher \\
      --out work_dirs/published/cion_resnet50_ibn.pth

writes cion_resnet50_ibn_<yyyymmdd>-<first 8 digits of its SHA-256>.pth there.
Optimiser, heads and the other network are left out.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('checkpoint', help='of a training run')
    parser.add_argument(
        '--arch', required=True, help='architecture, such as resnet50_ibn'
    )
    parser.add_argument(
        '--from',
        dest='source',
        choices=['teacher', 'student'],
        help='which to take (default: the teacher where there is one)',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='FILE.pth',
        help='date and hash are added to its name',
    )
    parser.add_argument(
        '--image-size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        default=(256, 128),
        help='pixels that it was trained for (default: 256 128)',
    )
    for name, what in (('mean', 'mean'), ('std', 'standard deviation')):
        parser.add_argument(
            f'--{name}',
            nargs=3,
            type=float,
            metavar=('R', 'G', 'B'),
            help=f'{what} that images in [0, 1] were normalised by '
            f"(default: ImageNet's)",
        )
    return parser.parse_args()


def main() -> None:
    """Publish."""
    args = parse_args()
    from mmcion.models.utils.model_file import (
        IMAGENET_MEAN,
        IMAGENET_STD,
        read_checkpoint,
        save_model_file,
    )
    from mmcion.models.utils.weight_io import backbone_tensors, find_role
    from mmcion.utils.io import hash_file

    checkpoint, out = Path(args.checkpoint), Path(args.out)
    if out.suffix != '.pth':
        raise ValueError(f'--out must end in .pth; got {out}')
    content = read_checkpoint(checkpoint)
    try:
        role = find_role(content, args.source)
    except ValueError as error:
        raise ValueError(f'{checkpoint}: {error}') from error
    prefix, tensors = backbone_tensors(content, (role,) if role else ())
    try:
        path = save_model_file(
            out.with_name(f'{out.stem}_{date.today():%Y%m%d}.pth'),
            tensors,
            arch=args.arch,
            source=', '.join(filter(None, (checkpoint.name, role))),
            source_sha256=hash_file(checkpoint),
            source_file=checkpoint,
            input_size=tuple(args.image_size),
            mean=args.mean or IMAGENET_MEAN,
            std=args.std or IMAGENET_STD,
            add_hash=True,
        )
    except ValueError as error:
        raise ValueError(
            f'{checkpoint}: of {len(tensors)} tensors under {prefix!r}: '
            f'{error}'
        ) from error
    size = path.stat().st_size / 2**20
    print(f'{path} ({size:.1f} MiB): {len(tensors)} tensors of {prefix!r}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
