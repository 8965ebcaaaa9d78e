"""Crop the pedestrians of MOTChallenge sequences; make a tracklet table."""

import argparse

EXAMPLE = """example:
  # the true boxes of all sequences
  python tools/dataset_converters/motchallenge2tracklets.py \\
      data/MOT17/train --out work_dirs/mot17 --min-visibility 0.3
  # what a tracker wrote, boxes/<sequence>.txt
  python tools/dataset_converters/motchallenge2tracklets.py \\
      data/MOT17/train --boxes boxes/ --out work_dirs/mot17_tracked

Output: table/ (a TrackletTable), skipped.json (what was left out, reasons and
notes), crops/, and for true boxes truth.npy (the true identity of each row).
A second run with the same settings and sequences continues where the first
one stopped. Other ones need another folder, or --overwrite.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_overwrite, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('root', help='a sequence or a folder of sequences')
    parser.add_argument('--out', required=True, help='folder to write to')
    parser.add_argument(
        '--boxes',
        metavar='FILE_OR_DIR',
        help="a tracker's <sequence>.txt (default: gt/gt.txt)",
    )
    parser.add_argument(
        '--min-height',
        type=float,
        default=0,
        help='least height of a box in pixels',
    )
    parser.add_argument(
        '--min-visibility',
        type=float,
        default=0,
        help='least visible fraction of a true box, 0..1',
    )
    parser.add_argument(
        '--quality',
        type=int,
        default=95,
        help='quality of the JPEG files, 1..100',
    )
    add_overwrite(parser, 'other tracklets in the out folder')
    return parser.parse_args()


def main() -> None:
    """Crop the boxes and write the table."""
    args = parse_args()
    from mmcion.video.motchallenge import read_motchallenge

    reading = read_motchallenge(
        args.root,
        args.out,
        boxes=args.boxes,
        min_height=args.min_height,
        min_visibility=args.min_visibility,
        quality=args.quality,
        overwrite=args.overwrite,
    )
    print(f'{args.out}: {reading.summary()}')


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
