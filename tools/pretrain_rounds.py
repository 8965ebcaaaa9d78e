"""Pre-train in rounds: label with the network that was just trained.

Each round extracts features, denoises and pre-trains, from the weights of the
round before. Every step is one of the toolbox's own commands and is printed.
The same command resumes a run that was stopped; with more --rounds it goes on.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mmcion.structures import TrackletTable

ROOT = Path(__file__).resolve().parents[1]

EXAMPLE = """examples:
  python tools/pretrain_rounds.py \\
      configs/cion/cion_resnet50-ibn_1xb240-100e_cional.py \\
      --table work_dirs/tracklets/table --work-dir work_dirs/rounds
  # from features of a ReID model in place of colours
  python tools/pretrain_rounds.py CONFIG --table TABLE --work-dir DIR \\
      --features work_dirs/features --rounds 3

The first round writes to DIR/features, identities and cion, round k to
DIR/round_<k>. A round counts if what is known without labels is not worse
than in the round before; otherwise that one is the result. DIR/rounds.json has
all rounds and the result, DIR/rounds.html shows them side by side.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_verbose, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='config of the pre-training (.py)')
    parser.add_argument(
        '--table', required=True, help='folder of a TrackletTable'
    )
    parser.add_argument(
        '--work-dir', required=True, metavar='DIR', help='all output'
    )
    parser.add_argument(
        '--rounds',
        type=int,
        default=2,
        metavar='N',
        help='most rounds (default: 2)',
    )
    parser.add_argument(
        '--features',
        help='features that the first round starts from (default: extracts '
        'the weight-free colour descriptor)',
    )
    parser.add_argument(
        '--denoise',
        metavar='CONFIG',
        help='config of the denoising (default: '
        'configs/denoise/three-levels_auto.py)',
    )
    parser.add_argument(
        '--min-ari',
        type=float,
        default=0.98,
        help='end when the identities of two rounds agree as well as this, '
        'by the adjusted Rand index of the images that have one in both '
        '(default: 0.98)',
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=0.01,
        help='a drop of the self-check or of the links by this ratio still '
        'counts as not worse (default: 0.01)',
    )
    parser.add_argument('--seed', type=int, help='seed of every training')
    parser.add_argument(
        '--truth',
        metavar='CSV',
        help='true boxes, header frame,id,x,y,w,h; they are shown and decide '
        'nothing',
    )
    parser.add_argument(
        '--persons',
        metavar='CSV',
        help='columns id,person: which ids are one person',
    )
    # as words: they are passed on
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of the config of the pre-training',
    )
    add_verbose(parser, 'output of the steps, which is in DIR/logs')
    return parser.parse_args()


def true_identities(
    args: argparse.Namespace, table: TrackletTable
) -> np.ndarray | None:
    """Return ``(N,)`` true identities, if they are given."""
    from mmcion.evaluation import match_truth, read_truth

    if args.truth is None:
        return None
    return match_truth(table, read_truth(args.truth, args.persons))


def main() -> None:
    """Run the rounds."""
    args = parse_args()
    from mmcion.apis.rounds import Rounds, RoundSettings
    from mmcion.structures import TrackletTable
    from mmcion.utils.chain import Chain
    from mmcion.utils.cli import read_config
    from mmcion.visualization import write_rounds_page

    denoise = args.denoise or 'configs/denoise/three-levels_auto.py'
    settings = RoundSettings(
        Path(args.table),
        Path(args.work_dir),
        args.config,
        denoise,
        # as short as a user would write it
        tools=Path(os.path.relpath(ROOT / 'tools')),
        max_rounds=args.rounds,
        features=Path(args.features) if args.features else None,
        train_options=args.cfg_options,
        seed=args.seed,
        min_ari=args.min_ari,
        tolerance=args.tolerance,
    )
    configs = settings.training_config(), read_config(denoise)
    table = TrackletTable.load(args.table)
    # results of days are never replaced
    chain = Chain(
        settings.work_dir,
        [table.fingerprint(), *(cfg.to_dict() for cfg in configs)],
        verbose=args.verbose,
    )
    rounds = Rounds(settings, true_identities(args, table))
    for step in rounds.steps():
        chain.run(step)
    page = settings.work_dir / 'rounds.html'
    write_rounds_page(page, rounds.report(), commands=chain.commands)
    result = rounds.result
    print(f'\n{rounds.ended}')
    print(f'identities: {settings.work_dir / result["identities"]}')
    print(f'weights: {settings.work_dir / result["weights"]}')
    print(f'report: {page}')


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
