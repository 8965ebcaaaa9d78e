"""Convert a model of ReIDZoo, as its authors released it, to a model file."""

import argparse

EXAMPLE = """example:
  python tools/model_converters/reidzoo_to_mmcion.py resnet50_ibn.pth \\
      --out zoo/cion_resnet50_ibn.pth
  MMCION_ZOO=zoo python -c "import mmcion; \\
      mmcion.get_model('cion_resnet50_ibn', pretrained=True)"

The licence of ReIDZoo forbids passing its weights on, converted ones too.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_converter_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    add_converter_options(parser)
    return parser.parse_args()


def main() -> None:
    """Convert."""
    args = parse_args()
    from mmcion.utils.cli import check_out_file

    check_out_file(args.out, overwrite=args.overwrite)
    from mmcion.models.weights import convert_file

    path, report = convert_file(
        args.checkpoint,
        args.out,
        'reidzoo',
        arch=args.arch,
        role=args.source,
        allow_partial=args.allow_partial,
        add_hash=args.hash,
    )
    print(f'{path}: {report}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
