"""Measure how the identities depend on what cannot be calibrated.

Example::

    python benchmarks/bench_sensitivity.py --seeds 5

Level 3's ``sigma`` and ``max_spread`` are multiples of the calibrated sigma.
On simulated tracklets these go from half to double the shipped ones, at
several amounts of change between videos (``drift``) and of image noise; then
the rates of the calibration vary. Means over the seeds; the last line of
output is JSON.
"""

import argparse
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

CONFIG = ROOT / 'configs/denoise/three-levels_auto.py'
CASES = {
    'default': {},
    'drift 0.5': {'drift': 0.5},
    'drift 0.7': {'drift': 0.7},
    'image noise 1.0': {'image_noise': 1.0},
}
MULTIPLES = {
    'sigma': (0.6, 0.9, 1.2, 1.5, 2.4),
    'max_spread': (0.75, 1.0, 1.5, 2.0, 3.0),
}
RATES = {
    'false_merge_rate': (0.01, 0.02, 0.05, 0.1),
    'tracklet_noise': (0.05, 0.1, 0.2),
}


def score(
    cfg: Any, seeds: int, case: dict[str, float] | None = None
) -> dict[str, float]:
    """Return mean precision, recall, F1 and fraction of images kept."""
    from mmcion.apis.denoise import denoise
    from mmcion.evaluation import identity_metrics
    from mmcion.testing import NoiseModel

    names = ('pairwise_precision', 'pairwise_recall', 'pairwise_f1', 'kept')
    rows = []
    for seed in range(seeds):
        sim = NoiseModel(**(case or {})).simulate(seed)
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
    base.self_check = None
    result = {}
    for case, arguments in CASES.items():
        for threshold, multiples in MULTIPLES.items():
            for multiple in multiples:
                cfg = deepcopy(base)
                cfg.pipeline[2][threshold] = {'auto': multiple}
                name = f'{case}, {threshold} {multiple}'
                result[name] = score(cfg, args.seeds, arguments)
                print(name, result[name], flush=True)
    for rate_of_links in (0.1, 0.2, 0.3, 0.4):
        cfg = deepcopy(base)
        cfg.pipeline[2].false_discovery_rate = rate_of_links
        name = f'false_discovery_rate {rate_of_links}'
        result[name] = score(cfg, args.seeds)
        print(name, result[name], flush=True)
    for rate, values in RATES.items():
        for value in values:
            cfg = deepcopy(base)
            cfg.calibration[rate] = value
            name = f'{rate} {value}'
            result[name] = score(cfg, args.seeds)
            print(name, result[name], flush=True)
    print(json.dumps(result))


if __name__ == '__main__':
    main()
