"""Measure time, memory and quality of the denoising levels at scale.

Example::

    python benchmarks/bench_denoise.py --images 1000000 --dim 256 \
        --videos 2000

Simulated tracklets of known identities (``NoiseModel``) go through a shipped
pipeline. Level 1, of a config with calibrated thresholds, is compared with the
plain loop that defines it. The last line of output is JSON.
"""

import argparse
import json
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

CONFIG = ROOT / 'configs/denoise/three-levels_auto.py'  # the default
NAIVE_TRACKLETS = 4000


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--images', type=int, default=1_000_000)
    parser.add_argument('--dim', type=int, default=256)
    parser.add_argument('--videos', type=int, default=2000)
    parser.add_argument('--config', default=CONFIG, help='of configs/denoise')
    parser.add_argument(
        '--half-width', type=int, help='of the last level; default: its own'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--folder', help='for the features; default: /tmp')
    return parser.parse_args()


class PeakMemory:
    """Peak of this process's own memory, in MiB.

    Pages of the mapped feature file do not count: the kernel may drop them.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> 'PeakMemory':
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            text = Path('/proc/self/status').read_text()
            kib = int(text.split('RssAnon:')[1].split()[0])
            self.peak = max(self.peak, kib >> 10)


def naive_consistent_rows(feats: np.ndarray, sigma: float) -> np.ndarray:
    """Run level 1 on one tracklet ``(n, D)`` as it is defined."""
    feats = feats.astype(np.float64)
    keep = np.ones(len(feats), bool)
    while keep.any():
        centroid = feats[keep].mean(0)
        centroid /= np.linalg.norm(centroid)
        distance = 1 - feats @ centroid
        distance[~keep] = -np.inf
        farthest = distance.max()
        if farthest <= sigma:
            break
        keep[np.flatnonzero(distance == farthest)[-1]] = False
    return keep


def compare_level1(
    table: Any, features: Any, sigma: float
) -> dict[str, float]:
    """Time level 1 and the plain loop on the same features in memory."""
    from mmcion.denoising.functional import consistent_groups

    count = min(NAIVE_TRACKLETS, table.num_tracklets)
    ptr = table.tracklet_ptr[: count + 1]
    began = time.perf_counter()
    feats = features[0 : int(ptr[-1])]
    reading = time.perf_counter() - began
    began = time.perf_counter()
    plain = np.concatenate(
        [naive_consistent_rows(feats[a:b], sigma) for a, b in pairwise(ptr)]
    )
    naive = time.perf_counter() - began
    times = []
    for _ in range(5):
        began = time.perf_counter()
        fast = consistent_groups(feats, ptr, sigma, False)
        times.append(time.perf_counter() - began)
    if not np.array_equal(fast, plain):
        raise AssertionError('level 1 differs from the plain loop.')
    return {
        'naive': naive,
        'fast': float(np.median(times)),
        'reading': reading,
        'tracklets': count,
    }


def simulate(args: argparse.Namespace, folder: Path) -> Any:
    """Make tracklets of about ``--images`` images."""
    from mmcion.testing import NoiseModel

    model = NoiseModel()
    visits = max(round(args.images / args.videos / model.images), 2)
    model = NoiseModel(
        videos=args.videos, visits=visits, dim=args.dim,
        images=round(args.images / args.videos / visits),
    )  # fmt: skip
    return model.simulate(args.seed, folder=folder / 'features')


def main() -> None:
    """Measure and print."""
    args = parse_args()
    from mmengine.config import Config

    from mmcion.apis.denoise import denoise
    from mmcion.evaluation import identity_metrics

    cfg = Config.fromfile(args.config)
    if args.half_width is not None:
        cfg.pipeline[-1].half_width = args.half_width
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        began = time.perf_counter()
        sim = simulate(args, Path(folder))
        print(
            f'{len(sim.table)} images x {args.dim}, '
            f'{sim.table.num_tracklets} tracklets, {args.videos} videos, '
            f'made in {time.perf_counter() - began:.0f} s'
        )
        with PeakMemory() as memory:
            began, used = time.perf_counter(), time.process_time()
            labels = denoise(sim.table, sim.features, cfg)
            seconds = time.perf_counter() - began
            cpu_seconds = time.process_time() - used
        level1 = None
        if calibration := labels.report['calibration']:
            level1 = compare_level1(
                sim.table, sim.features.centered(), calibration['sigma']
            )
    for level in labels.report['levels'][1:]:
        level.pop('doubtful_links', None)
        print(level)
    scores = identity_metrics(sim.pid, labels.identity)
    result = {
        'images': len(sim.table),
        'tracklets': sim.table.num_tracklets,
        'seconds': round(seconds, 2),
        'cpu_seconds': round(cpu_seconds, 2),
        'rss_mib': memory.peak,
        'precision': round(float(scores['pairwise_precision']), 5),
        'recall': round(float(scores['pairwise_recall']), 5),
        'kept': round(float(scores['kept']), 4),
    }
    if level1 is not None:
        naive, fast = level1['naive'], level1['fast']
        reading = level1['reading']
        print(
            f'level 1 on {level1["tracklets"]} tracklets: plain loop '
            f'{naive:.3f} s, ours {fast:.4f} s, reading the features '
            f'{reading:.3f} s'
        )
        result['speedup_level1'] = round(naive / fast, 1)
        result['speedup_level1_with_reading'] = round(
            (naive + reading) / (fast + reading), 1
        )
    print(json.dumps(result))


if __name__ == '__main__':
    main()
