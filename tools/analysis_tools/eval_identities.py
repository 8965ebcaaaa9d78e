r"""Evaluate identities against true ones.

Examples:
  # two labellings of the same rows
  python tools/analysis_tools/eval_identities.py true.npy found.npy

  # a labelling of a tracklet table against true boxes of its video
  python tools/analysis_tools/eval_identities.py tracklets/table found.npy \
      --truth gt.csv --persons persons.csv

  # the same for a table of several recordings
  python tools/analysis_tools/eval_identities.py tracklets/table found.npy \
      --truth cam1=gt1.csv cam2=gt2.csv --out identities.json
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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


def true_identities(args: argparse.Namespace) -> np.ndarray:
    """Load true identities, or find them by overlap with true boxes."""
    from mmcion.evaluation import match_truth, read_truth
    from mmcion.structures import TrackletTable
    from mmcion.utils.io import load_npy

    if not args.truth:
        return load_npy(args.true)
    table = TrackletTable.load(args.true)
    named = [item.rpartition('=') for item in args.truth]
    if [name for name, _, _ in named] == ['']:
        return match_truth(table, read_truth(named[0][2], args.persons))
    truth = {name: read_truth(path, args.persons) for name, _, path in named}
    return match_truth(table, truth)


def main() -> None:
    """Print the scores as a table and write them as JSON."""
    args = parse_args()
    from mmcion.evaluation import identity_metrics
    from mmcion.utils.io import load_npy, write_json

    true, found = true_identities(args), load_npy(args.found)
    result = identity_metrics(true, found)
    print(f'{len(true)} rows, {(true >= 0).sum()} with a true identity')
    for name, value in result.items():
        text = f'{value:.4f}' if isinstance(value, float) else f'{value}'
        print(f'  {name:<20}{text:>10}')
    if args.out:
        write_json(args.out, result)
        print(f'written to {args.out}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
