"""Make an annotation table of CION-AL and check its images."""

import argparse
from pathlib import Path

EXAMPLE = """example:
  python tools/dataset_converters/cional2annotation.py \\
      data/CION_AL/cional_annos.json --image-root data/CION_AL \\
      --out work_dirs/cional

Written below the out folder: annotation/ (for ann_file of a config) and
skipped.json (what was skipped and why, and notes).
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_out_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('json', help='list of {"file_path", "id"}')
    add_out_options(parser, 'folder')
    parser.add_argument(
        '--image-root',
        metavar='DIR',
        help='folder that paths are relative to',
    )
    parser.add_argument(
        '--check-files',
        action='store_true',
        help='check all images and skip missing ones (default: check a '
        'thousand and stop if one is missing)',
    )
    return parser.parse_args()


def main() -> None:
    """Read the list and write the annotation."""
    args = parse_args()
    from mmcion.datasets.tracklet_readers import read_cional
    from mmcion.utils.checks import check_new

    out = Path(args.out)
    check_new(out / 'annotation', overwrite=args.overwrite)
    table, report = read_cional(
        args.json, args.image_root, check_files=args.check_files
    )
    identities = int(table.pid.max()) + 1
    report.save(
        out / 'skipped.json',
        kept={'images': len(table), 'identities': identities},
    )
    table.save(out / 'annotation')
    lines = [
        f'{len(table):,} images, {identities:,} identities',
        *report.lines(),
    ]
    print(f'{out}: ' + '\n  '.join(lines))


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
