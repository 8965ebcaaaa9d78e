"""Draw people of a data set on one sheet, to look at before it is used."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

EXAMPLE = """examples:
  python tools/analysis_tools/browse_dataset.py \\
      configs/_base_/datasets/market1501.py --out market1501.png

  # images of one's own, listed in a CSV file
  python tools/analysis_tools/browse_dataset.py \\
      configs/_base_/datasets/query_gallery.py --people 12 --cfg-options \\
      test_dataloader.dataset.ann_file=TEST.csv \\
      test_dataloader.dataset.data_root=crops

A row is a person: queries in blue frames, then the gallery, with the camera
below each image. Last come distractors and junk. The counts stand above.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='with test_ or train_dataloader')
    parser.add_argument(
        '--out', default='sheet.png', help='picture (default: sheet.png)'
    )
    parser.add_argument(
        '--split',
        choices=['test', 'train'],
        help='default: test where the config has it',
    )
    for name, default, what in (
        ('people', 8, 'rows of people'),
        ('images', 8, 'images in a row'),
        ('seed', 0, 'of what is drawn'),
    ):
        parser.add_argument(
            f'--{name}',
            type=int,
            default=default,
            metavar='N',
            help=f'{what} (default: {default})',
        )
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    """Draw the sheet."""
    args = parse_args()
    from mmcion.apis.browse_dataset import browse_dataset
    from mmcion.utils.cli import read_config
    from mmcion.visualization.picture_file import picture_format, save_picture

    picture_format(args.out)  # before anything is read
    view = browse_dataset(
        read_config(args.config, args.cfg_options),
        args.split,
        people=args.people,
        images=args.images,
        seed=args.seed,
    )
    print(f'{"":<22}{"images":>12}{"people":>10}{"cameras":>10}')
    for name, *sizes in view.parts:
        texts = ['-' if size is None else f'{size:,}' for size in sizes]
        print(f'{name:<22}{texts[0]:>12}{texts[1]:>10}{texts[2]:>10}')
    save_picture(view.sheet, args.out)
    height, width, _ = view.sheet.shape
    print(f'{args.out} ({width} x {height} pixels)')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
