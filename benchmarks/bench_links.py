"""Measure links between videos where features tell people apart badly.

Example::

    python benchmarks/bench_links.py --seeds 5

Identities of simulated tracklets change between videos, the more the harder
they are to find again (``drift``), or resemble each other (``look_dim``). Per
setting: how often the nearest identity of another video is the right one,
the links at several stated rates of false ones with their true rate, and
pairwise scores after level 2 and level 3 of the shipped config. Means over the
seeds; the last line of output is JSON.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

CONFIG = ROOT / 'configs/denoise/three-levels_auto.py'
SETTINGS: dict[str, dict[str, float]] = {
    'default': {},
    'drift 0.7': {'drift': 0.7},
    'drift 1.0': {'drift': 1.0},
    'drift 1.2': {'drift': 1.2},
    'drift 1.4': {'drift': 1.4},
    'drift 1.85': {'drift': 1.85},
    'drift 2.2': {'drift': 2.2},
    'drift 2.6': {'drift': 2.6},
    'image noise 1.0': {'image_noise': 1.0},
    'camera shift 0': {'camera_shift': 0.0},
    'camera shift 1, drift 1': {'camera_shift': 1.0, 'drift': 1.0},
    'look_dim 16': {'look_dim': 16},
    'look_dim 8': {'look_dim': 8},
    'look_dim 8, drift 0.6': {'look_dim': 8, 'drift': 0.6},
    'look_dim 8, drift 1': {'look_dim': 8, 'drift': 1.0},
}
RATES = (0.1, 0.2, 0.3, 0.4)


def true_links(
    sim: Any, features: Any, identity: np.ndarray, delta: float | None
) -> tuple[float, int, int]:
    """Judge identities of level 2 as candidates for links.

    Returns:
        Fraction of the identities seen in several videos whose nearest one in
        another video is the right one, links nearer than ``delta``, and how
        many of them are false.
    """
    from mmcion.denoising.functional import normalise
    from mmcion.denoising.grouped_rows import sum_features

    kept = np.flatnonzero(identity >= 0)
    ids, first = np.unique(identity[kept], return_index=True)
    video = sim.table.video_id[kept[first]]
    # the person of most of an identity's images
    person = np.array(
        [np.bincount(sim.pid[identity == k]).argmax() for k in ids]
    )
    centroids = normalise(sum_features(features, identity))
    distance = 1 - centroids @ centroids.T
    distance[video[:, None] == video] = np.inf
    same = person[:, None] == person
    several = (same & np.isfinite(distance)).any(1)
    right = person[distance.argmin(1)] == person
    near = distance < (delta or 0)
    links, false = near.sum() // 2, (near & ~same).sum() // 2
    return float(right[several].mean()), int(links), int(false)


def measure(
    arguments: dict[str, float], videos: int, seed: int
) -> dict[str, float]:
    """Denoise one simulation up to level 2 and level 3, and judge both."""
    from mmengine.config import Config

    from mmcion.apis.denoise import denoise
    from mmcion.denoising import calibrate_links
    from mmcion.evaluation import identity_metrics
    from mmcion.testing import NoiseModel

    cfg = Config.fromfile(CONFIG)
    cfg.self_check = None
    sim = NoiseModel(videos=videos, **arguments).simulate(seed)
    both = denoise(sim.table, sim.features, cfg)
    cfg.pipeline = cfg.pipeline[:2]
    before = denoise(sim.table, sim.features, cfg)
    result = {}
    for rate in RATES:
        features = sim.features.centered()
        found = calibrate_links(
            sim.table, features, before, false_discovery_rate=rate
        )
        right, links, false = true_links(
            sim, features, before.identity, found.link_delta
        )
        result[f'links_{rate}'] = links
        result[f'true_fdr_{rate}'] = false / links if links else np.nan
    result['nearest_right'] = right
    for name, labels in (('2', before), ('3', both)):
        scores = identity_metrics(sim.pid, labels.identity)
        for score in ('precision', 'recall', 'f1'):
            result[f'{score}_{name}'] = float(scores[f'pairwise_{score}'])
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--videos', type=int, default=20)
    args = parser.parse_args()
    from mmengine.logging import MMLogger

    MMLogger.get_instance('mmcion', log_level='WARNING')
    result = {}
    for name, arguments in SETTINGS.items():
        runs = [
            measure(arguments, args.videos, seed) for seed in range(args.seeds)
        ]
        table = {key: [run[key] for run in runs] for key in runs[0]}
        loss = np.array(table['f1_2']) - table['f1_3']
        precision = np.array(table['precision_3']) / table['precision_2']
        # of rates, the mean over the runs with links
        row = {
            key: None
            if np.isnan(values).all()
            else round(float(np.nanmean(values)), 4)
            for key, values in table.items()
        }
        row['worst_f1_loss'] = round(float(loss.max()), 4)
        row['worst_precision_ratio'] = round(float(precision.min()), 4)
        result[name] = row
        print(name, row, flush=True)
    print(json.dumps(result))


if __name__ == '__main__':
    main()
