"""Compare the paper's denoising, the authors' earlier filter and ours.

Examples::

    python benchmarks/bench_ablation.py --seeds 5
    python benchmarks/bench_ablation.py --seeds 0 --truth truth.csv \
        --persons persons.csv --folder work_dirs/ablation

After every level of each pipeline: pairwise scores, IDF1 and HOTA of the
identities as tracks over all videos, the paper's n_S at the calibrated
thresholds, and the fraction of images kept. Then ours with one option changed
at a time. On simulated tracklets (means over the seeds, with the half width of
the 95 % interval of F1), and with ``--truth`` on the sample video, whose
tracklets and three kinds of features are kept in ``--folder``. The last line
of output is JSON.
"""

import argparse
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from bench_identities import all_features, extract_tracklets

ROOT = Path(__file__).resolve().parents[1]

SCORES = ('precision', 'recall', 'f1', 'idf1', 'hota', 'n_s', 'kept')
# thresholds a user may try by hand: sigma, delta
BY_HAND = ((0.2, 0.18), (0.3, 0.25), (0.4, 0.3), (0.5, 0.4), (0.6, 0.5))
OPTIONS: dict[str, dict[str, Any]] = {
    'range of 1000 places': {'2.half_width': 1000},
    'range of 20 places': {'2.half_width': 20},
    'co-occurrence ignored': {
        '1.exclude_cooccurring': False,
        '2.exclude_cooccurring': False,
    },
    'apart from one shared frame': {
        '1.min_shared_frames': 1,
        '2.min_shared_frames': 1,
    },
    'no largest spread': {'2.max_spread': 2.0},
    'no ratio test': {'1.max_ratio': 1.0, '2.max_ratio': 1.0},
    'no second pass': {'2.sigma': None},
    'any loss in a merge': {'1.max_loss': 1.0},
    'leave-one-out': {'0.leave_one_out': True},
    'splitting from 5 images': {'0.min_split': 5},
    'links at a rate of 0.2': {'2.false_discovery_rate': 0.2},
}


def read(name: str) -> Any:
    """Return a shipped config without its self-check."""
    from mmengine.config import Config

    cfg = Config.fromfile(ROOT / f'configs/denoise/{name}.py')
    return {'pipeline': cfg.pipeline, 'center': cfg.center} | {
        key: cfg[key] for key in ('calibration',) if key in cfg
    }


def with_thresholds(cfg: Any, sigma: Any, delta: Any) -> Any:
    """Return the paper's config, centred, with other thresholds."""
    cfg = deepcopy(cfg)
    cfg['center'] = True
    for stage, name in ((0, 'sigma'), (1, 'sigma')):
        cfg['pipeline'][stage][name] = sigma
    for stage in (1, 2):
        cfg['pipeline'][stage]['delta'] = delta
    return cfg


def pipelines() -> dict[str, Any]:
    """Return configs by name; those of all levels are evaluated in turn."""
    paper, plip = read('three-levels_cion'), read('seed-filter_plip')
    ours = read('three-levels_auto')
    result = {
        'paper, its values': paper,
        'paper, calibrated (ours)': with_thresholds(paper, 'auto', 'auto'),
        'PLIP, its values': plip,
        'ours': ours,
    }
    for sigma, delta in BY_HAND:
        name = f'paper by hand {sigma} {delta}'
        result[name] = with_thresholds(paper, sigma, delta)
    for name, changes in OPTIONS.items():
        changed = deepcopy(ours)
        for key, value in changes.items():
            stage, argument = key.split('.')
            changed['pipeline'][int(stage)][argument] = value
        result[f'ours, {name}'] = changed
    return result


def evaluate(
    table: Any,
    features: Any,
    true: np.ndarray,
    truth: Any,
    cfg: Any,
    shipped: bool,
) -> dict[str, list[float]]:
    """Return the scores of the tracklets, and after every level of a config.

    Configs with one option changed are judged after their last level, and not
    as tracks.
    """
    from mmcion.apis.denoise import denoise
    from mmcion.denoising import calibrate, noise_rates
    from mmcion.evaluation import identity_metrics, track_metrics
    from mmcion.structures import IdentityLabels

    centred = features.centered()
    found = calibrate(table, centred)
    thresholds = {'sigma': found.sigma, 'delta': found.noise_delta}
    labels = {'0': IdentityLabels.from_tracklets(table)}
    levels = len(cfg['pipeline'])
    for last in range(1 if shipped else levels, levels + 1):
        config = {**cfg, 'pipeline': cfg['pipeline'][:last]}
        labels[str(last)] = denoise(table, features, config)
    result = {}
    for level, each in labels.items():
        scores = identity_metrics(true, each.identity)
        tracks = {'IDF1': np.nan, 'HOTA': np.nan}
        if shipped:
            tracks = track_metrics(table, each.identity, truth)['all videos']
        result[level] = [
            *(float(scores[f'pairwise_{s}']) for s in SCORES[:3]),
            tracks['IDF1'],
            tracks['HOTA'],
            noise_rates(centred, each, **thresholds)['n_s'],
            float(scores['kept']),
        ]
    return result


def simulate(seed: int) -> Any:
    """Return a simulation's table with boxes, features and truth."""
    from mmcion.evaluation import GroundTruth
    from mmcion.structures import TrackletTable
    from mmcion.testing import NoiseModel

    sim = NoiseModel().simulate(seed)
    # every image has a place of its own, so boxes match what they show
    box = np.zeros((len(sim.table), 4))
    box[:, 0] = 100 * np.arange(len(box))
    box[:, 2:] = 50
    table = TrackletTable.from_columns(
        video_id=sim.table.video_id,
        tracklet_id=sim.table.tracklet_id,
        frame=sim.table.frame,
        box=box,
    )
    truth = {}
    for video, name in enumerate(table.videos):
        rows = slice(*table.video_ptr[video : video + 2])
        truth[name] = GroundTruth(table.frame[rows], sim.pid[rows], box[rows])
    return table, sim.features, sim.pid, truth


def sample_video(args: argparse.Namespace) -> dict[str, Any]:
    """Return the sample video's table, truth and features by name."""
    from mmcion.evaluation import match_truth, read_truth
    from mmcion.structures import FeatureStore, TrackletTable

    folder = Path(args.folder)
    tracklets = folder / 'tracklets' / 'table'
    if not tracklets.exists():
        extract_tracklets(args, folder / 'tracklets')
    table = TrackletTable.load(tracklets)
    files = [folder / f'{name}.npy' for name in ('colour', 'imagenet', 'both')]
    if not all(file.exists() for file in files):
        for name, values in all_features(table, folder).items():
            np.save(folder / f'{name}.npy', values)
    truth = read_truth(args.truth, args.persons)
    true = match_truth(table, truth)
    return {
        f'sample video, {file.stem}': [
            (table, FeatureStore(np.load(file)), true, truth)
        ]
        for file in files
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--truth', help='true boxes of the sample video')
    parser.add_argument('--persons', help='ids of the same person')
    parser.add_argument('--folder', default='work_dirs/ablation')
    parser.set_defaults(video=None, clips=4, stride=1)
    args = parser.parse_args()
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope
    from scipy.stats import t

    init_default_scope('mmcion')
    MMLogger.get_instance('mmcion', log_level='ERROR')
    data = {}
    if args.seeds:
        seeds = range(args.seeds)
        data['noise model'] = [simulate(seed) for seed in seeds]
    if args.truth:
        data |= sample_video(args)
    result: dict[str, Any] = {}
    shipped = list(pipelines())[:4]
    for name, cases in data.items():
        print(f'\n{name}\n{"":44}' + '  '.join(f'{s:>9}' for s in SCORES))
        for pipeline, cfg in pipelines().items():
            known = pipeline in shipped
            runs = [evaluate(*case, cfg, known) for case in cases]
            for level in runs[0]:
                if level == '0' and pipeline != shipped[0]:
                    continue
                values = np.array([run[level] for run in runs])
                mean = values.mean(0)
                half = 0.0
                if len(values) > 1:
                    error = values[:, 2].std(ddof=1) / np.sqrt(len(values))
                    half = float(t.ppf(0.975, len(values) - 1) * error)
                row = 'tracklets' if level == '0' else f'{pipeline}: {level}'
                line = '  '.join(f'{value:9.3f}' for value in mean)
                print(f'{row:44}{line}   F1 +- {half:.3f}', flush=True)
                entry = {
                    score: None if np.isnan(value) else round(value, 4)
                    for score, value in zip(SCORES, mean.tolist(), strict=True)
                }
                result[f'{name}, {row}'] = entry | {'f1_half': round(half, 4)}
    print(json.dumps(result))


if __name__ == '__main__':
    main()
