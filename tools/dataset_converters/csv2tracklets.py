"""Make a tracklet table of a CSV of images."""

import argparse

EXAMPLE = """example:
  # images.csv: path,video,tracklet,frame and, if wanted, x,y,w,h
  python tools/dataset_converters/csv2tracklets.py images.csv \\
      --image-root crops --out work_dirs/mine

The first line names the columns, in any order; frames count from 0.
Written below the out folder: table/ (a TrackletTable), skipped.json (what was
skipped and why, and notes).
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_out_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('csv', help='path,video,tracklet,frame[,x,y,w,h]')
    add_out_options(parser, 'folder')
    parser.add_argument(
        '--image-root',
        metavar='DIR',
        help='folder that paths are relative to (default: that of the CSV)',
    )
    parser.add_argument(
        '--ignore',
        nargs='+',
        default=[],
        metavar='COLUMN',
        help='columns to ignore',
    )
    parser.add_argument(
        '--check-files',
        action='store_true',
        help='check all images and skip missing ones (default: check a '
        'thousand and stop if one is missing)',
    )
    return parser.parse_args()


def main() -> None:
    """Read the data set and write the table."""
    args = parse_args()
    from mmcion.datasets.tracklet_readers import read_csv
    from mmcion.utils.cli import save_reading

    save_reading(
        args,
        lambda: read_csv(
            args.csv,
            args.image_root,
            ignore=args.ignore,
            check_files=args.check_files,
        ),
    )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
