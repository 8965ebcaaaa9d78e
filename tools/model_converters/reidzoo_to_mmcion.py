"""Convert a model of ReIDZoo, as its authors released it, to a model file."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

EXAMPLE = """example:
  python tools/model_converters/reidzoo_to_mmcion.py resnet50_ibn.pth \\
      --out zoo/cion_resnet50_ibn.pth
  MMCION_ZOO=zoo python -c "import mmcion; \\
      mmcion.get_model('cion_resnet50_ibn', pretrained=True)"

The licence of ReIDZoo forbids to pass its weights on, converted ones too.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('checkpoint', help='file to convert')
    parser.add_argument('--out', required=True, help='model file to write')
    parser.add_argument(
        '--arch', help='such as resnet50_ibn (default: as recognised)'
    )
    parser.add_argument(
        '--source',
        choices=['teacher', 'student'],
        help='which to take (default: the teacher where there is one)',
    )
    parser.add_argument(
        '--hash', action='store_true', help='put the hash into the name'
    )
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='draw what is missing at random',
    )
    return parser.parse_args()


def main() -> None:
    """Convert."""
    args = parse_args()
    from mmcion.models.converters import convert_file

    done = convert_file(
        args.checkpoint,
        args.out,
        'reidzoo',
        arch=args.arch,
        role=args.source,
        allow_partial=args.allow_partial,
        add_hash=args.hash,
    )
    print(f'{done.path}: {done.coverage}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
