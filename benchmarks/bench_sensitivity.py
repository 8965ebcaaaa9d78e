"""How the identities depend on what cannot be calibrated.

Example::

    python benchmarks/bench_sensitivity.py --seeds 5

Level 3's ``sigma`` and ``max_spread`` are a multiple of the calibrated sigma.
On simulated tracklets that multiple goes from half to double the shipped
one, at several amounts of change between videos (``drift``); then the rates
of the calibration vary. Means over the seeds; the last line is JSON.
"""

import argparse
import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

CONFIG = ROOT / 'configs/denoise/three-levels_auto.py'
MULTIPLES = (0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
DRIFTS = (0.3, 0.5, 0.7)
RATES = {
    'false_merge_rate': (0.01, 0.02, 0.05, 0.1),
    'tracklet_noise': (0.05, 0.1, 0.2),
    'false_links': (0.01, 0.1, 1.0, 10.0),
}


def score(cfg: Any, drift: float, seeds: int) -> dict[str, float]:
    """Return mean precision, recall, F1 and share of images kept."""
    from mmcion.apis.denoise import denoise
    from mmcion.denoising.noise_model import NoiseModel
    from mmcion.evaluation import identity_metrics

    names = ('pairwise_precision', 'pairwise_recall', 'pairwise_f1', 'kept')
    rows = []
    for seed in range(seeds):
        sim = NoiseModel(drift=drift).simulate(seed)
        found = denoise(sim.table, sim.features, cfg).identity
        scores = identity_metrics(sim.pid, found)
        rows.append([scores[name] for name in names])
    means = np.mean(rows, axis=0).round(4).tolist()
    return dict(zip(names, means, strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--seeds', type=int, default=5)
    args = parser.parse_args()
    from mmengine.config import Config
    from mmengine.logging import MMLogger

    MMLogger.get_instance('mmcion', log_level='WARNING')
    base = Config.fromfile(CONFIG)
    result = {}
    for drift in DRIFTS:
        for multiple in MULTIPLES:
            cfg = deepcopy(base)
            cfg.pipeline[2].sigma = {'auto': multiple}
            cfg.pipeline[2].max_spread = {'auto': multiple}
            name = f'drift {drift}, multiple {multiple}'
            result[name] = score(cfg, drift, args.seeds)
            print(name, result[name], flush=True)
    for rate, values in RATES.items():
        for value in values:
            cfg = deepcopy(base)
            cfg.calibration[rate] = value
            name = f'{rate} {value}'
            result[name] = score(cfg, DRIFTS[0], args.seeds)
            print(name, result[name], flush=True)
    print(json.dumps(result))


if __name__ == '__main__':
    main()
