"""Make a tracklet table of LUPerson, one image per tracklet."""

import argparse

EXAMPLE = """example:
  # images as COUNTRY/CITY/VIDEO/00000341_0002.jpg, or as
  # images/34_01_0341_00001865.jpg, or an LMDB
  python tools/dataset_converters/luperson2tracklets.py data/luperson \\
      --out work_dirs/luperson

Written below the out folder: table/ (a TrackletTable), skipped.json (what was
skipped and why, and notes). LUPerson has no tracks: denoise with min_images=1,
or track the videos with extract_tracklets.py --boxes.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_reader_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('root', help='folder of the images or of the LMDB')
    add_reader_options(parser)
    return parser.parse_args()


def main() -> None:
    """Read the data set and write the table."""
    args = parse_args()
    from mmcion.datasets.tracklet_readers import LUPersonReader
    from mmcion.utils.cli import save_reading

    reader = LUPersonReader(check_sizes=args.check_sizes)
    save_reading(args, lambda: reader.read(args.root))


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
