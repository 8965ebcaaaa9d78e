"""Write the report of a quickstart run: work_dirs/quickstart/report.html."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    import numpy as np

    from mmcion.structures import TrackletTable
    from mmcion.visualization import HtmlReport

LABELS = {
    'truth': 'The true identities of the drawn figures are known, and only '
    'used here. Pre-training saw these frames too, with the identities that '
    'were found.',
    'tracks': 'Nobody labelled these people. A track that runs across the '
    'cut between two clips is one person in both, and two people seen in one '
    'frame are two: the test holds a set of people of whom every two were '
    'seen together. No label rests on appearance, and neither denoising nor '
    'pre-training was told which tracks were cut. Pre-training did see these '
    'frames, with the identities that were found.',
    'found': 'Too few people walk across a cut, so the identities that were '
    'found stand in for the truth. Colour features helped to find them, and '
    'pre-training learnt them: read these scores as agreement, not as '
    'accuracy.',
}
SCORES = {
    'colour': 'colour histograms, no network',
    'before': 'network before pre-training',
    'after': 'network after pre-training',
}


@dataclass
class Run:
    """What a quickstart run left behind."""

    facts: dict[str, Any]
    videos: list[dict[str, Any]]
    denoising: dict[str, Any]
    table: TrackletTable
    identity: np.ndarray
    scores: dict[str, dict[str, float]]
    curve: tuple[list[int], list[float]]
    features: dict[str, dict[str, np.ndarray]]

    @classmethod
    def load(cls, work_dir: Path) -> Run:
        """Read the files of all steps."""
        import numpy as np

        from mmcion.structures import IdentityLabels, TrackletTable
        from mmcion.utils.io import read_json

        scores = work_dir / 'scores'
        identities = work_dir / 'identities'
        features = {}
        for name in ('before', 'after'):
            with np.load(scores / name / 'features.npz') as saved:
                features[name] = dict(saved)
        return cls(
            read_json(work_dir / 'quickstart.json'),
            read_json(work_dir / 'tracklets' / 'videos.json'),
            read_json(identities / 'report.json'),
            TrackletTable.load(work_dir / 'tracklets' / 'table'),
            IdentityLabels.load(identities / 'identity.npy').identity,
            {n: read_json(scores / n / 'scores.json') for n in SCORES},
            read_curve(work_dir / 'cion'),
            features,
        )


def read_curve(work_dir: Path) -> tuple[list[int], list[float]]:
    """Return steps and losses of a training, the last run of each step."""
    import json

    points = {}
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            if 'loss' in entry:
                points[entry['step']] = entry['loss']
    steps = sorted(points)
    return steps, [points[step] for step in steps]


def add_overview(report: HtmlReport, run: Run) -> None:
    """Key figures and where they come from."""
    from mmcion.visualization import Card

    levels = run.denoising['levels']
    export = run.denoising['export']
    before, after = (run.scores[n]['reid/mAP'] for n in ('before', 'after'))
    report.add_cards(
        [
            Card(len(run.table), 'person images', f'in {clips(run)} clips'),
            Card(levels[0]['identities'], 'tracklets'),
            Card(
                export['identities'],
                'identities',
                f'{levels[-1]["identities_in_several_videos"]} of them in '
                f'several clips',
            ),
            Card(after, 'mAP after pre-training', f'{before:.3f} before'),
        ]
    )
    report.add_section('What was done')
    gain = (
        'Pre-training raised the mAP of direct transfer.'
        if after > before
        else 'Pre-training did not raise the mAP of direct transfer here.'
    )
    report.add_text(
        f'Input: {run.facts["input"]}. People found by '
        f'{run.facts["detector"]} and followed by ByteTrack. Identities found '
        f'with colour histograms, without any label. The network, a small '
        f'MobileNetV2, started from {run.facts["start"]} and learnt from the '
        f'identities for {run.curve[0][-1]} steps. {gain}'
    )
    header = ['recording', 'frames', 'broken', 'boxes', 'tracklets', 'images']
    keys = ['name', 'frames_read', 'broken_frames', 'detections']
    keys += ['tracklets', 'images']
    rows = [[v.get(key) for key in keys] for v in run.videos]
    report.add_table(header, rows, 'What the videos gave')


def clips(run: Run) -> int:
    """Return the number of videos in the table."""
    return len(run.table.videos)


def add_denoising(report: HtmlReport, run: Run) -> None:
    """Counts, noise and thresholds of every level."""
    import numpy as np

    from mmcion.visualization import (
        calibration_chart,
        identity_sizes,
        level_row,
    )

    report.add_section(
        'From tracklets to identities',
        'Level 1 drops images that disagree with their tracklet, level 2 '
        'joins tracklets of one clip, level 3 links people across clips. '
        'Noise is measured with the thresholds of each level: intra is the '
        'share of images too far from the centre of their identity, inter '
        'the share of identities too near to another one. Identities stay '
        'apart however near if they were seen in one frame, or if joining '
        'them would mix people who differ.',
    )
    header = ['after', 'images', 'identities', 'in several clips']
    header += ['intra noise', 'inter noise', 'seconds']
    report.add_table(
        header,
        [level_row(level) for level in run.denoising['levels']],
        'An arrow leads from before a level to after it.',
    )
    report.add_figure(
        calibration_chart(
            run.denoising['calibration'],
            xlabel='cosine distance of centred colour features',
        ),
        alt='Distances within tracklets and between people seen together, '
        'with both thresholds',
        caption='Thresholds without labels: people in one frame are '
        'different, images of one tracklet nearly always the same.',
    )
    sizes = np.bincount(run.identity[run.identity >= 0])
    report.add_figure(
        identity_sizes(sizes.tolist()),
        alt='Images per identity, largest first',
        caption='Images of each identity',
    )


def add_identities(report: HtmlReport, run: Run, most: int = 12) -> None:
    """Contact sheets of identities across clips, and of removed images."""
    import numpy as np

    from mmcion.visualization import Group, Tile, contact_sheet, spread

    def tiles(rows: np.ndarray) -> list[Tile]:
        return [
            Tile(
                run.table.image_path(row),
                f'{place(run, row)} · {run.table.frame[row]}',
            )
            for row in rows
        ]

    groups = []
    for identity in range(int(run.identity.max()) + 1):
        rows = np.flatnonzero(run.identity == identity)
        videos = len(np.unique(run.table.video_id[rows]))
        if videos > 1:
            heading = f'{len(rows)} images in {videos} clips'
            groups.append(
                (videos, len(rows), Group(tiles(spread(rows, 10)), heading))
            )
    groups.sort(key=lambda group: group[:2], reverse=True)
    report.add_section(
        'People found in several clips',
        'A row is one identity, with images from its first to its last '
        'appearance. Below each image: clip and frame.',
    )
    if groups:
        sheet = contact_sheet([group for *_, group in groups[:most]])
        report.add_image(sheet, alt='Identities, one per row')
    else:
        report.add_text('Nobody was found in more than one clip.')
    removed = np.flatnonzero(run.identity < 0)
    report.add_section(
        'Images left out',
        f'{len(removed)} images agree with no identity: typically people '
        f'half hidden, two people in one box, or no person at all.',
    )
    if len(removed):
        sheet = contact_sheet([Group(tiles(spread(removed, 30)))])
        report.add_image(sheet, alt='Images without an identity')


def place(run: Run, row: int) -> str:
    """Return a short name of the clip that a row is from."""
    return run.table.videos[run.table.video_id[row]].rpartition('-')[2]


def add_scores(report: HtmlReport, run: Run) -> None:
    """Training curve, scores and ranked lists."""
    from mmcion.visualization import ranked_list, score_bars, training_curve

    report.add_section(
        'Pre-training',
        'Identity-guided self-distillation: the student sees many crops, an '
        'averaged teacher sees two, and images of one identity are to get '
        'the same answer.',
    )
    report.add_figure(
        training_curve({'loss': run.curve}, xlabel='step'),
        alt=f'Loss from {run.curve[1][0]:.2f} to {run.curve[1][-1]:.2f}',
    )
    report.add_section(
        'Retrieval across clips',
        f'Find the same person in other clips. {LABELS[run.facts["labels"]]}',
    )
    report.add_figure(
        score_bars(
            {text: run.scores[n]['reid/mAP'] for n, text in SCORES.items()}
        ),
        alt='mAP of colour histograms, and of the network before and after',
    )
    keys = ['mAP', 'Rank-1', 'Rank-5', 'mINP', 'num_valid_queries']
    report.add_table(
        ['features', 'mAP', 'Rank-1', 'Rank-5', 'mINP', 'queries'],
        [
            [text, *(run.scores[name][f'reid/{key}'] for key in keys)]
            for name, text in SCORES.items()
        ],
        'Direct transfer: no fine-tuning on the people of the test',
    )
    for name in ('before', 'after'):
        report.add_image(
            ranked_list(ranked_queries(run.features[name])),
            alt=f'Queries and their nearest images {name} pre-training',
            caption=f'{name.capitalize()} pre-training: the query and its '
            f'nearest images in other clips. Green is right, red wrong.',
        )


def ranked_queries(
    saved: dict[str, np.ndarray], people: int = 5, top: int = 9
) -> Sequence[Any]:
    """Return the middle query of some people, with its nearest images."""
    import numpy as np

    from mmcion.evaluation import nearest_gallery
    from mmcion.visualization import RankedQuery

    rows = np.flatnonzero(saved['is_query'])
    gallery = np.flatnonzero(~saved['is_query'])
    queries = []
    for pid in np.unique(saved['pid'][rows])[:people]:
        own = rows[saved['pid'][rows] == pid]
        query = own[len(own) // 2]
        others = gallery[saved['cam_id'][gallery] != saved['cam_id'][query]]
        near, distance = nearest_gallery(
            saved['feature'][[query]], saved['feature'][others], top
        )
        found = others[near[0]]
        queries.append(
            RankedQuery(
                str(saved['img_path'][query]),
                [str(path) for path in saved['img_path'][found]],
                (saved['pid'][found] == pid).tolist(),
                distance[0].tolist(),
            )
        )
    return queries


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example: python tools/quickstart_report.py '
        'work_dirs/quickstart',
    )
    parser.add_argument('work_dir', help='of tools/quickstart.py')
    work_dir = Path(parser.parse_args().work_dir)

    from mmcion import __version__
    from mmcion.visualization import HtmlReport

    run = Run.load(work_dir)
    report = HtmlReport(
        'From video to a pre-trained ReID backbone',
        'Pedestrians became tracklets, tracklets became identities, and '
        'identities taught a network to recognise people.',
        f'Made by mmcion {__version__}',
    )
    add_overview(report, run)
    add_denoising(report, run)
    add_identities(report, run)
    add_scores(report, run)
    report.add_section('Do it yourself', 'Every step, as it was run.')
    report.add_code('\n'.join(run.facts['commands']))
    report.save(work_dir / 'report.html')
    before, after = (run.scores[n]['reid/mAP'] for n in ('before', 'after'))
    print_summary(run, before, after)
    print(f'Report: {(work_dir / "report.html").resolve()}')


def print_summary(run: Run, before: float, after: float) -> None:
    """Say the main figures on the terminal."""
    for level in run.denoising['levels']:
        print(
            f'{level["name"]:24}{level["images"]:8} images '
            f'{level["identities"]:5} identities'
        )
    for name, text in SCORES.items():
        print(f'{text:32} mAP {run.scores[name]["reid/mAP"]:.3f}')
    if after <= before:
        print('Pre-training did NOT raise mAP in this run.')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
