"""Write the page about a denoising: what became of tracklets."""

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python tools/analysis_tools/denoise_report.py \\
      --table work_dirs/tracklets/table --identities work_dirs/identities

The page is one file that loads nothing: open it in a browser or mail it.
"""
_REPORT_FORM = {
    'levels': list[dict[str, Any]] | None,
    'inputs': dict[str, Any] | None,
    'calibration': dict[str, Any] | None,
    'export': dict[str, Any] | None,
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('--table', required=True, help='a TrackletTable')
    parser.add_argument(
        '--identities', required=True, help='out folder of tools/denoise.py'
    )
    parser.add_argument(
        '--out', help='file to write; IDENTITIES/report.html if not given'
    )
    parser.add_argument(
        '--max-tiles',
        type=int,
        default=100,
        help='crops per section, 0 for none (default: %(default)s)',
    )
    return parser.parse_args()


def main() -> None:
    """Write the page."""
    args = parse_args()
    from mmcion.apis.reports import report_denoising
    from mmcion.structures import IdentityLabels, TrackletTable
    from mmcion.utils.cli import check_out_file
    from mmcion.utils.io import read_json

    check_out_file(args.out, '.html')
    folder = Path(args.identities)
    labels = IdentityLabels.load(folder / 'identity.npy')
    labels.report = read_json(folder / 'report.json', _REPORT_FORM)
    out = Path(args.out) if args.out else folder / 'report.html'
    table = TrackletTable.load(args.table)
    report_denoising(table, labels, out, max_tiles=args.max_tiles)
    print(f'Report: {out.resolve()}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
