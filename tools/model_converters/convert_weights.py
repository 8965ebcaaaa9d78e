"""Convert weights of other projects to a model file."""

import argparse

EXAMPLE = """examples:
  python tools/model_converters/convert_weights.py lupws_r50.pth --from lup \\
      --out resnet50_lup.pth
  python tools/model_converters/convert_weights.py market_bot_R50.pth \\
      --from fast-reid --arch resnet50 --out resnet50_fastreid.pth

sources, and what of each has our structure:
  lup, lup-nl    ResNet 50, 101, 152
  transreid-ssl  ViT with ICS stem
  personvit      ViT on plain patches, of DINO and TransReID-SSL too
  dinov2         ViT-S/14 and B/14 without registers
  fast-reid      ResNet, ResNet-IBN; without non-local and SE blocks
  torchvision    ResNet
  timm           ResNet, GhostNet, EdgeNeXt, FastViT, ConvNeXt, plain ViT and
                 Swin, DINOv3, VOLO of 256 x 128
  reidzoo        all 32; see reidzoo_to_mmcion.py
  solider        Swin with the semantic controller, or without
  solider-reid   the same, fine-tuned (--image-size 384 128)
  pass           nothing; the reason is printed
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import (
        add_converter_options,
        add_image_size,
        tool_parser,
    )

    parser = tool_parser(__doc__, EXAMPLE)
    add_converter_options(parser)
    parser.add_argument(
        '--from',
        dest='origin',
        required=True,
        metavar='SOURCE',
        help='project that the file is from, see below',
    )
    for name in ('mean', 'std'):
        parser.add_argument(
            f'--{name}',
            nargs=3,
            type=float,
            metavar=tuple('RGB'),
            help=f'{name} of images in [0, 1] (default: that of the project)',
        )
    add_image_size(parser, 'pixels (default: 256 128)', (256, 128))
    return parser.parse_args()


def main() -> None:
    """Convert."""
    args = parse_args()
    from mmcion.utils.cli import check_out_file

    check_out_file(args.out, overwrite=args.overwrite)
    from mmcion.models.weights import SOURCES, convert_file

    path, report = convert_file(
        args.checkpoint,
        args.out,
        args.origin,
        arch=args.arch,
        role=args.source,
        mean=args.mean,
        std=args.std,
        input_size=tuple(args.image_size),
        allow_partial=args.allow_partial,
        add_hash=args.hash,
    )
    print(f'{path}: {report}')
    if remark := SOURCES[args.origin].remark:
        print(f'note: {remark}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
