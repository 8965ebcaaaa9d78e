"""Make a tracklet table of MARS, with the true identities."""

import argparse

EXAMPLE = """example:
  python tools/dataset_converters/mars2tracklets.py data/mars/bbox_train \\
      --out work_dirs/mars
  # after denoising: how good are the identities?
  python tools/analysis_tools/eval_identities.py work_dirs/mars/truth.npy \\
      work_dirs/mars/identities/identity.npy

Written below the out folder: table/ (a TrackletTable), skipped.json (what was
skipped and why, and notes), truth.npy (the true identity of each row; -1: junk
and distractors). A camera is a video.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_reader_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('root', help='bbox_train, bbox_test or above')
    parser.add_argument(
        '--keep-junk', action='store_true', help='keep the folder 00-1'
    )
    add_reader_options(parser)
    return parser.parse_args()


def main() -> None:
    """Read the data set and write the table."""
    args = parse_args()
    from mmcion.datasets.tracklet_readers import MARSReader
    from mmcion.utils.cli import save_reading

    reader = MARSReader(keep_junk=args.keep_junk, check_sizes=args.check_sizes)
    save_reading(args, lambda: reader.read(args.root))


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
