"""Draw identities of a data set, to look at before it is used."""

import argparse

EXAMPLE = """examples:
  python tools/analysis_tools/browse_dataset.py \\
      configs/_base_/datasets/market1501.py --out market1501.png

  # images of one's own, listed in a CSV file
  python tools/analysis_tools/browse_dataset.py \\
      configs/_base_/datasets/query_gallery.py --identities 12 --cfg-options \\
      test_dataloader.dataset.ann_file=TEST.csv \\
      test_dataloader.dataset.data_root=crops

A row is an identity: queries with a blue border, then the gallery, with the
camera below each image. Last come distractors and junk. The counts are above.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='with test_ or train_dataloader')
    parser.add_argument(
        '--out',
        default='dataset.png',
        help='image file (default: %(default)s)',
    )
    parser.add_argument(
        '--split',
        choices=['test', 'train'],
        help='default: test where the config has it',
    )
    for name, default, what in (
        ('identities', 8, 'number of identities'),
        ('images', 8, 'number of images of each'),
        ('seed', 0, 'seed of what is drawn'),
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
    """Draw the image grid."""
    args = parse_args()
    from mmcion.apis.reports import browse_dataset
    from mmcion.utils.cli import read_config
    from mmcion.visualization import image_format, image_grid, save_image

    image_format(args.out)  # before anything is read
    view = browse_dataset(
        read_config(args.config, args.cfg_options),
        args.split,
        identities=args.identities,
        images=args.images,
        seed=args.seed,
    )
    print(f'{"":<22}{"images":>12}{"identities":>12}{"cameras":>10}')
    for part in view.parts:
        sizes = (part.images, part.identities, part.cameras)
        images, identities, cameras = (
            '-' if size is None else f'{size:,}' for size in sizes
        )
        print(f'{part.name:<22}{images:>12}{identities:>12}{cameras:>10}')
    grid = image_grid(view.groups, columns=args.images)
    save_image(grid, args.out)
    print(f'{args.out} ({grid.width} x {grid.height} pixels)')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
