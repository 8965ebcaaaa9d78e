"""Measure the pseudo labels of an epoch: Jaccard distances and DBSCAN.

Example::

    python benchmarks/bench_jaccard.py
    python benchmarks/bench_jaccard.py --images 12936 --dense-images 6000

The sparse form runs at the size of MSMT17's training set; the dense one, as
published, is compared with it on fewer images, where both must give the same
clusters. Each runs in a process of its own. Seconds are those of all cores
together, since other processes may share the machine. MiB are the largest
resident memory of the process, with features and libraries; their ratio is of
what the form adds to that. The last line of output is JSON.
"""

import argparse
import json
import multiprocessing
import resource
import time
from typing import Any

import numpy as np
from bench_rerank import both_ways
from sklearn.cluster import DBSCAN

K1, K2, EPS, MIN_SAMPLES = 30, 6, 0.6, 4
NUM_IMAGES = 32621  # training images of MSMT17


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--images', type=int, default=NUM_IMAGES)
    parser.add_argument('--dense-images', type=int, default=4000)
    parser.add_argument('--dim', type=int, default=2048)
    return parser.parse_args()


def make_features(count: int, dim: int) -> np.ndarray:
    """Return ``(N, D)`` normalised features of identities of unequal size.

    Their mean number of images is that of MSMT17, and the images of a camera
    look alike, so that clusters are neither perfect nor hopeless.
    """
    rng = np.random.default_rng(0)
    num_pids = max(count // 31, 1)
    pids = rng.choice(num_pids, count, p=rng.dirichlet(np.full(num_pids, 2)))
    cams = rng.integers(15, size=count)
    centers = rng.standard_normal((num_pids, dim), np.float32)
    shifts = rng.standard_normal((15, dim), np.float32)
    feats = rng.standard_normal((count, dim), np.float32)
    feats *= 1.5
    for row, pid, cam in zip(feats, pids, cams, strict=True):
        row += centers[pid] + 0.5 * shifts[cam]
        row /= np.linalg.norm(row)
    return feats


def dense_distances(feats: np.ndarray) -> np.ndarray:
    """Return distances by matrices over all pairs, as published."""
    square = 2 - 2 * feats @ feats.T
    # one search of k1 neighbours
    order = np.argpartition(square, K1, axis=1)[:, :K1]
    near = np.take_along_axis(square, order, axis=1)
    order = np.take_along_axis(order, near.argsort(axis=1), axis=1)
    weights = np.zeros_like(square)
    for image in range(len(feats)):
        own = both_ways(order, image, K1)
        members = own
        for candidate in own:
            other = both_ways(order, candidate, round(K1 / 2))
            if len(np.intersect1d(other, own)) > 2 / 3 * len(other):
                members = np.append(members, other)
        members = np.unique(members)
        weight = np.exp(-square[image, members])
        weights[image, members] = weight / weight.sum()
    del square
    weights = np.stack([weights[row].mean(axis=0) for row in order[:, :K2]])
    users = [np.flatnonzero(column) for column in weights.T]
    distance = np.zeros_like(weights)
    for image, row in enumerate(weights):
        both = np.zeros(len(feats), np.float32)
        for column in np.flatnonzero(row):
            images = users[column]
            both[images] += np.minimum(row[column], weights[images, column])
        distance[image] = 1 - both / (2 - both)
    return distance.clip(0)


def cluster(feats: np.ndarray, form: str) -> np.ndarray:
    """Return the ``(N,)`` labels of DBSCAN; -1 is noise."""
    if form == 'dense':
        distance: Any = dense_distances(feats)
    else:
        from mmcion.evaluation import jaccard_graph

        distance = jaccard_graph(feats, K1, K2, EPS)
    dbscan = DBSCAN(eps=EPS, min_samples=MIN_SAMPLES, metric='precomputed')
    return dbscan.fit(distance).labels_


def peak_mib() -> float:
    """Return the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(form: str, count: int, dim: int) -> dict[str, Any]:
    """Return labels, CPU seconds, wall seconds and MiB of this process."""
    cluster(make_features(200, dim), form)  # wakes up libraries and threads
    feats = make_features(count, dim)
    before = peak_mib()
    began, cpu = time.perf_counter(), time.process_time()
    labels = cluster(feats, form)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    peak = peak_mib()
    return {
        'labels': labels,
        'cpu': cpu,
        'wall': wall,
        'mib': peak,
        'extra': peak - before,
    }


def main() -> None:
    """Measure both forms and print."""
    args = parse_args()
    context = multiprocessing.get_context('spawn')
    found = {}
    for name, form, count in (
        ('small', 'sparse', args.dense_images),
        ('dense', 'dense', args.dense_images),
        ('sparse', 'sparse', args.images),
    ):
        with context.Pool(1) as pool:  # with memory of its own
            found[name] = pool.apply(measure, (form, count, args.dim))
        result = found[name]
        print(
            f'{form:8}{count:8,} images{result["cpu"]:9.1f} CPU s'
            f'{result["wall"]:9.1f} s{result["mib"]:9.0f} MiB'
            f'{result["labels"].max() + 1:7} clusters'
        )
    small, dense, sparse = found.values()
    report = {
        'cpu_seconds': round(sparse['cpu'], 1),
        'seconds': round(sparse['wall'], 1),
        'peak_mib': round(sparse['mib']),
        'speedup': round(dense['cpu'] / small['cpu'], 2),
        'memory_ratio': round(small['extra'] / dense['extra'], 3),
        'same_clusters': bool((small['labels'] == dense['labels']).all()),
        'clusters': int(sparse['labels'].max() + 1),
        'outliers': int((sparse['labels'] < 0).sum()),
        **vars(args),
    }
    print(json.dumps(report))


if __name__ == '__main__':
    main()
