"""Make a model file of a checkpoint: the network that was evaluated."""

import argparse

EXAMPLE = """examples:
  # the backbone that a pre-training releases, as the teacher's of CION
  python tools/model_converters/publish_model.py \\
      work_dirs/cion/epoch_100.pth --out published/cion_resnet50_ibn.pth

  # backbone and neck of a fine-tuning
  python tools/model_converters/publish_model.py \\
      work_dirs/fine-tune/epoch_120.pth --out published/market1501.pth

writes cion_resnet50_ibn_<yyyymmdd>-<first 8 digits of its SHA-256>.pth there.
Optimiser, head and the other network of a pre-training are left out. The
config of the training is in the checkpoint; --config or --arch replace it.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import (
        add_custom_imports,
        add_image_size,
        tool_parser,
    )

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('checkpoint', help='of a training run')
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        '--config', metavar='FILE.py', help='config of the training'
    )
    network.add_argument(
        '--arch', help='architecture of a backbone, such as resnet50_ibn'
    )
    parser.add_argument(
        '--from',
        dest='source',
        choices=['teacher', 'student'],
        help='which to take (default: the one that the method releases, as '
        'the teacher of CION)',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='FILE.pth',
        help='date and hash are added to its name',
    )
    add_image_size(parser, 'pixels (default: those of the config)')
    for name, what in (('mean', 'mean'), ('std', 'standard deviation')):
        parser.add_argument(
            f'--{name}',
            nargs=3,
            type=float,
            metavar=('R', 'G', 'B'),
            help=f'{what} of images in [0, 1] (default: that of the config)',
        )
    add_custom_imports(parser)
    return parser.parse_args()


def main() -> None:
    """Publish."""
    args = parse_args()
    from mmcion.models.weights import publish, read_model_file
    from mmcion.utils.cli import read_config

    path = publish(
        args.checkpoint,
        args.out,
        config=read_config(args.config) if args.config else None,
        arch=args.arch,
        role=args.source,
        input_size=args.image_size,
        mean=args.mean,
        std=args.std,
        custom_imports=args.custom_imports,
    )
    # what was written, not what was requested
    state, spec = read_model_file(path)
    size = path.stat().st_size / 2**20
    network = spec.arch or spec.backbone['type']
    neck = f' and {spec.neck["type"]}' if spec.neck else ''
    print(
        f'{path} ({size:.1f} MiB): {network}{neck}, {len(state)} tensors of '
        f'{spec.source}'
    )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
