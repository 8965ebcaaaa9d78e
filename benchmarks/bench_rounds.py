"""Evaluate a second round of denoising and pre-training on a video.

Example::

    OMP_NUM_THREADS=2 python benchmarks/bench_rounds.py --truth truth.csv \
        --persons persons.csv --work-dir work_dirs/bench_rounds

``truth.csv`` has the columns ``frame,id,x,y,w,h`` with frames from 1, and
``persons.csv`` the columns ``id,person``. Without ``--video`` the sample video
is fetched. What ``tools/quickstart.py`` does is done with several seeds: the
identities of both rounds are compared with the true ones, and the network
after each round is evaluated by direct transfer, true people across clips
(there is no fine-tuning; training saw these images, without these labels).
The same command continues a run that was stopped. The last line of output is
JSON.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from bench_tracklets import truth_parser

ROOT = Path(__file__).resolve().parents[1]

TOOLS, CONFIGS = ROOT / 'tools', ROOT / 'configs'
CONFIG = CONFIGS / 'cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
COLUMNS = ('identities', 'kept', 'pairwise_f1', 'mAP', 'Rank-1', 'counted')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = truth_parser(__doc__)
    parser.add_argument('--table', help='tracklets that were extracted before')
    parser.add_argument('--work-dir', type=Path, required=True)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--rounds', type=int, default=2)
    return parser.parse_args()


def test_step(
    name: str, weights: list[Path], split: Path, crops: Path, folder: Path
) -> Any:
    """Return the direct transfer of a network."""
    from mmcion.utils.chain import Step

    config = CONFIGS / 'eval/zero-shot_mobilenet-v2_128x64.py'
    return Step(
        f'test_{name}',
        [TOOLS / 'test.py', config, *weights, '--work-dir', folder / name]
        + ['--out', folder / f'{name}.json', '--cfg-options']
        + [f'test_dataloader.dataset.ann_file={split}']
        + [f'test_dataloader.dataset.data_root={crops}'],
        folder / f'{name}.json',
    )


def main() -> None:
    """Measure and print."""
    args = parse_args()
    from mmcion.apis.rounds import Rounds, RoundSettings
    from mmcion.evaluation import match_truth, read_truth
    from mmcion.structures import TrackletTable
    from mmcion.utils.chain import Chain, Step
    from mmcion.utils.downloads import fetch_file
    from mmcion.utils.io import read_json

    # tracklets, features and the split are common to all seeds
    common = args.work_dir / 'common'
    chain = Chain(common)
    table = Path(args.table or common / 'tracklets/table')
    if not args.table:
        chain.run(
            Step(
                'tracklets',
                [TOOLS / 'extract_tracklets.py']
                + [args.video or fetch_file('vtest.avi')]
                + ['--out', table.parent, '--clips', 4, '--stride', 2],
                table.parent,
            )
        )
    features, split = common / 'features', common / 'split.csv'
    weights = common / 'mobilenetv2_imagenet.pth'
    persons = ['--persons', args.persons] if args.persons else []
    for step in (
        Step(
            'features',
            [TOOLS / 'extract_features.py', table, '--out', features],
            features,
        ),
        Step(
            'split',
            [TOOLS / 'dataset_converters/tracklets2reid.py', table]
            + ['--truth', args.truth, *persons, '--out', split],
            split,
        ),
        Step(
            'initial_weights',
            [TOOLS / 'model_converters/deepsort_to_mmcion.py', weights],
            weights,
        ),
        test_step('before', [weights], split, table.parent / 'crops', common),
    ):
        chain.run(step)
    true = match_truth(
        TrackletTable.load(table), read_truth(args.truth, args.persons)
    )
    result: dict[str, Any] = {
        'before': {'mAP': read_json(common / 'before.json')['reid/mAP']}
    }
    for seed in args.seeds:
        work_dir = args.work_dir / f'seed_{seed}'
        settings = RoundSettings(
            table,
            work_dir,
            str(CONFIG),
            str(CONFIGS / 'denoise/three-levels_auto.py'),
            tools=TOOLS,
            max_rounds=args.rounds,
            features=features,
            train_options=[f'model.backbone_checkpoint={weights}'],
            seed=seed,
        )
        chain = Chain(work_dir)
        rounds = Rounds(settings, true)
        for step in rounds.steps():
            chain.run(step)
        rows = []
        for each in rounds.rounds:
            row = {
                'identities': each.identities,
                'kept': each.kept,
                'links': each.links,
                'ari': each.ari,
                'counted': each.counted,
                **(each.scores or {}),
            }
            if each.paths['weights']:
                name = f'round_{each.number}'
                step = test_step(
                    name,
                    [work_dir / each.paths['weights']],
                    split,
                    table.parent / 'crops',
                    work_dir,
                )
                chain.run(step)
                scores = read_json(step.output)
                row |= {k: scores[f'reid/{k}'] for k in ('mAP', 'Rank-1')}
            rows.append(row)
        result[f'seed {seed}'] = {'rounds': rows, 'ended': rounds.ended}
    print(f'before: mAP {result["before"]["mAP"]:.3f}')
    for seed in args.seeds:
        for number, row in enumerate(result[f'seed {seed}']['rounds'], 1):
            values = ', '.join(
                f'{name} {row[name]:.3g}' for name in COLUMNS if name in row
            )
            print(f'seed {seed}, round {number}: {values}')
    print(json.dumps(result))


if __name__ == '__main__':
    main()
