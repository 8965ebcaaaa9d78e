"""Evaluate identities against true ones.

With true boxes, identities are evaluated as tracks, too: IDF1 and HOTA, of all
videos together and of each (needs: pip install trackeval). There, unlike in
the other scores, an image without an identity is a missed detection.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = r"""examples:
  # two labellings of the same rows
  python tools/analysis_tools/eval_identities.py true.npy found.npy

  # a labelling of a tracklet table against true boxes of its video
  python tools/analysis_tools/eval_identities.py tracklets/table found.npy \
      --truth gt.csv --persons persons.csv

  # the same for a table of several recordings
  python tools/analysis_tools/eval_identities.py tracklets/table found.npy \
      --truth cam1=gt1.csv cam2=gt2.csv --out identities.json
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument(
        'true', help='.npy of true identities, or folder of a tracklet table'
    )
    parser.add_argument('found', help='.npy of identities to evaluate')
    parser.add_argument(
        '--truth',
        nargs='+',
        metavar='[RECORDING=]CSV',
        help='true boxes, header frame,id,x,y,w,h, frames from 1',
    )
    parser.add_argument(
        '--persons',
        metavar='CSV',
        help='columns id,person: which ids are one person',
    )
    parser.add_argument('--out', metavar='JSON', help='also write them here')
    args = parser.parse_args()
    if Path(args.true).is_dir() != bool(args.truth):
        parser.error(
            'give --truth with a tracklet table, and only then: '
            f'{args.true} is {"a" if Path(args.true).is_dir() else "no"} '
            f'folder'
        )
    return args


def read_truths(args: argparse.Namespace) -> Any:
    """Read true boxes, of the only recording or of several by name."""
    from mmcion.evaluation import read_truth

    named = [item.rpartition('=') for item in args.truth]
    truths = {name: read_truth(path, args.persons) for name, _, path in named}
    return truths[''] if list(truths) == [''] else truths


def print_tracks(tracks: dict[str, dict[str, float]]) -> None:
    """Print the scores of all videos and of each as a table."""
    width = max(map(len, tracks))
    names = next(iter(tracks.values()))
    print('identities as tracks, every true box counted:')
    print(f'  {"":<{width}}' + ''.join(f'{name:>8}' for name in names))
    for video, scores in tracks.items():
        values = ''.join(f'{value:>8.4f}' for value in scores.values())
        print(f'  {video:<{width}}{values}')


def main() -> None:
    """Print the scores as tables and write them as JSON."""
    args = parse_args()
    from mmcion.evaluation import (
        identity_metrics,
        match_truth,
        track_metrics,
    )
    from mmcion.structures import IdentityLabels, TrackletTable
    from mmcion.utils.checks import MissingPackageError
    from mmcion.utils.cli import check_out_file
    from mmcion.utils.io import write_json

    check_out_file(args.out, '.json')
    if args.truth:
        table = TrackletTable.load(args.true)
        truth = read_truths(args)
        true = match_truth(table, truth)
    else:
        true = IdentityLabels.load(args.true).identity
    found = IdentityLabels.load(args.found).identity
    result: dict[str, Any] = dict(identity_metrics(true, found))
    print(f'{len(true)} rows, {(true >= 0).sum()} with a true identity')
    for name, value in result.items():
        text = f'{value:.4f}' if isinstance(value, float) else f'{value}'
        print(f'  {name:<20}{text:>10}')
    if args.truth:
        try:
            result['tracks'] = track_metrics(table, found, truth)
            print_tracks(result['tracks'])
        except MissingPackageError as error:
            print(f'no IDF1 and HOTA: {error}')
    if args.out:
        write_json(args.out, result)
        print(f'written to {args.out}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
