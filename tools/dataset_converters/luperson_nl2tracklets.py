"""Make a tracklet table of LUPerson-NL."""

import argparse

EXAMPLE = """example:
  # images as COUNTRY/CITY/VIDEOID/000012_0000340_02.jpg
  python tools/dataset_converters/luperson_nl2tracklets.py data/lupersonnl \\
      --out work_dirs/lupersonnl
  # an LMDB, with or without keys.pkl
  python tools/dataset_converters/luperson_nl2tracklets.py data/lupnl_lmdb \\
      --out work_dirs/lupersonnl

Written below the out folder: table/ (a TrackletTable), skipped.json (what was
skipped and why, and notes). A tracklet is one person number in one video.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_reader_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('root', help='folder of countries, or of the LMDB')
    add_reader_options(parser)
    return parser.parse_args()


def main() -> None:
    """Read the data set and write the table."""
    args = parse_args()
    from mmcion.datasets.tracklet_readers import LUPersonNLReader
    from mmcion.utils.cli import save_reading

    reader = LUPersonNLReader(check_sizes=args.check_sizes)
    save_reading(args, lambda: reader.read(args.root))


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
