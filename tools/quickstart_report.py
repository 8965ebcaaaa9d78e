"""Write the report of a quickstart run: work_dirs/quickstart/report.html."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmcion.visualization import TileGroup, TrainingCurve

IDENTITIES, REMOVED, QUERIES, TOPK = 12, 30, 5, 9  # that are shown


def network_texts(names: list[str]) -> dict[str, str]:
    """Return what was evaluated, by folder of scores."""
    several = names[-1] != 'after'
    return {
        'colour': 'colour histograms, no network',
        'before': 'network before pre-training',
        'after': 'network after pre-training'
        + (', round 1' if several else ''),
        **{name: f'network after round {name[6:]}' for name in names[3:]},
    }


def read_curve(work_dir: Path) -> TrainingCurve:
    """Return the losses of a training, of the last run of each step."""
    from mmcion.visualization import TrainingCurve

    losses = {}
    # a resumed training has a folder per start, named by its time: the last
    # entry of a step is the one that counts
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            if 'loss' in entry:
                losses[entry['step']] = entry['loss']
    steps = sorted(losses)
    return TrainingCurve(steps, [losses[step] for step in steps])


def rank_queries(file: Path) -> list[TileGroup]:
    """Rank the middle query of some identities."""
    import numpy as np

    from mmcion.evaluation import EvaluationOptions, evaluate_features
    from mmcion.structures import ReIDFeatures
    from mmcion.visualization import ranked_groups

    options = EvaluationOptions(keep_nearest=TOPK)
    result = evaluate_features(ReIDFeatures.load(file), options)
    # the first query of an identity often shows it half in sight
    pids = result.features.pid[result.query_rows]
    own = [np.flatnonzero(pids == pid) for pid in np.unique(pids)[:QUERIES]]
    middle = [queries[len(queries) // 2] for queries in own]
    return ranked_groups(result, middle, topk=TOPK)


def write_page(work_dir: Path) -> None:
    """Read the files of all steps and write ``report.html``."""
    import numpy as np

    from mmcion import __version__
    from mmcion.structures import IdentityLabels, TrackletTable
    from mmcion.utils.io import read_json
    from mmcion.visualization import (
        DenoisingFacts,
        IdentityCounts,
        TableTiles,
        TileGroup,
        bin_counts,
        calibration_chart,
        cross_video_groups,
        rounds_chart,
        spread,
        training_chart,
        write_report,
    )

    # what the steps wrote
    run, scores = read_json(work_dir / 'quickstart.json'), work_dir / 'scores'
    rounds = read_json(work_dir / 'rounds.json')
    texts = network_texts(run['networks'])
    # of the round that is the result
    identities = work_dir / rounds['result']['identities']
    weights = work_dir / rounds['result']['weights']
    table = TrackletTable.load(work_dir / 'tracklets' / 'table')
    labels = IdentityLabels.load(identities / 'identity.npy')
    facts = DenoisingFacts.from_report(read_json(identities / 'report.json'))
    counts = IdentityCounts.from_labels(table, labels)
    tiles = TableTiles(table)
    removed = np.flatnonzero(~labels.keep)
    curve = read_curve(weights.parent)
    write_report(
        work_dir / 'report.html',
        Path(__file__).with_name('quickstart_report.html.jinja'),
        version=__version__,
        run=run,
        rounds=rounds,
        recordings=read_json(work_dir / 'tracklets' / 'videos.json'),
        table=table,
        facts=facts,
        distances=calibration_chart(facts.calibration),
        image_bins=bin_counts(counts.images),
        joined=cross_video_groups(
            tiles, labels, counts, IDENTITIES, videos='clips'
        ),
        num_removed=len(removed),
        removed=[TileGroup([tiles(spread(removed, REMOVED))])],
        curve=curve,
        losses=training_chart(curve),
        ratios=rounds_chart(rounds['rounds']),
        evaluations={
            text: read_json(scores / name / 'scores.json')
            for name, text in texts.items()
        },
        rankings={
            text: rank_queries(scores / name / 'features.npz')
            for name, text in list(texts.items())[1:]
            if name in ('before', run['networks'][-1])
        },
    )


def print_summary(work_dir: Path) -> None:
    """Print the main figures."""
    from mmcion.utils.io import read_json

    rounds = read_json(work_dir / 'rounds.json')
    identities = work_dir / rounds['result']['identities']
    for level in read_json(identities / 'report.json')['levels']:
        print(
            f'{level["name"]:24}{level["images"]:8} images '
            f'{level["identities"]:5} identities'
        )
    names = read_json(work_dir / 'quickstart.json')['networks']
    maps = {
        name: read_json(work_dir / 'scores' / name / 'scores.json')['reid/mAP']
        for name in names
    }
    for name, text in network_texts(names).items():
        print(f'{text:32} mAP {maps[name]:.3f}')
    if maps[names[-1]] <= maps['before']:
        print('Pre-training did NOT raise mAP in this run.')
    if rounds['max_rounds'] > 1:
        print(rounds['ended'])


def main() -> None:
    """Write the report."""
    from mmcion.utils.cli import tool_parser

    example = 'python tools/quickstart_report.py work_dirs/quickstart'
    parser = tool_parser(__doc__, f'example:\n  {example}\n')
    parser.add_argument('work_dir', help='folder of tools/quickstart.py')
    work_dir = Path(parser.parse_args().work_dir)
    write_page(work_dir)
    print_summary(work_dir)
    print(f'Report: {(work_dir / "report.html").resolve()}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
