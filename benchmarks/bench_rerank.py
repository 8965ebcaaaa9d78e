"""Measure re-ranking in sparse form against the dense form as published.

Example::

    python benchmarks/bench_rerank.py
    python benchmarks/bench_rerank.py --size-msmt17

Both forms start from the same features, each in a process of its own, whose
resident memory is watched: extra MiB are those above the features at the
highest point, the result included. Seconds are the best of some runs in
turns. ``--size-msmt17`` has 93,820 images, for which the dense form would
need about 190 GiB and is left out. The last line of output is JSON.
"""

import argparse
import json
import multiprocessing
import time
from typing import Any

import numpy as np
from bench_loss import peak_of

K1, K2, LAMBDA = 20, 6, 0.3
MSMT17 = {'queries': 11659, 'gallery': 82161}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--queries', type=int, default=3000)
    parser.add_argument('--gallery', type=int, default=10000)
    parser.add_argument('--dim', type=int, default=2048)
    parser.add_argument('--size-msmt17', action='store_true')
    parser.add_argument('--repeats', type=int, default=1)
    args = parser.parse_args()
    if args.size_msmt17:
        vars(args).update(MSMT17)
    return args


def both_ways(order: np.ndarray, image: int, k: int) -> np.ndarray:
    """Return the neighbours that have the image as a neighbour."""
    forward = order[image, : k + 1]
    return forward[(order[forward, : k + 1] == image).any(axis=1)]


def dense_rerank(qf: np.ndarray, gf: np.ndarray) -> np.ndarray:
    """Re-rank by matrices over all pairs, as the published code does."""
    feats = np.concatenate([qf, gf])
    squares = (feats**2).sum(axis=1)
    distance = feats @ feats.T
    distance *= -2
    distance += squares
    distance += squares[:, None]
    distance = (distance / distance.max(axis=0)).T
    order = np.argsort(distance).astype(np.int32)
    weights = np.zeros_like(distance)
    for image in range(len(feats)):
        near = both_ways(order, image, K1)
        members = near
        for candidate in near:
            other = both_ways(order, candidate, round(K1 / 2))
            if len(np.intersect1d(other, near)) > 2 / 3 * len(other):
                members = np.append(members, other)
        members = np.unique(members)
        weight = np.exp(-distance[image, members])
        weights[image, members] = weight / weight.sum()
    distance = distance[: len(qf)]
    expanded = np.zeros_like(weights)
    for image, nearest in enumerate(order[:, :K2]):
        expanded[image] = weights[nearest].mean(axis=0)
    users = [np.flatnonzero(column) for column in expanded.T]
    jaccard = np.zeros_like(distance)
    for query, row in enumerate(expanded[: len(qf)]):
        both = np.zeros(len(feats), np.float32)
        for column in np.flatnonzero(row):
            images = users[column]
            both[images] += np.minimum(row[column], expanded[images, column])
        jaccard[query] = 1 - both / (2 - both)
    mixed = jaccard * (1 - LAMBDA) + distance * LAMBDA
    return mixed[:, len(qf) :]


def make_features(args: argparse.Namespace) -> list[np.ndarray]:
    """Return normalised features of identities with 20 images each."""
    rng = np.random.default_rng(0)
    total = args.queries + args.gallery
    identities = max(total // 20, 1)
    centers = rng.standard_normal((identities, args.dim), np.float32)
    parts = []
    for count in (args.queries, args.gallery):
        feats = rng.standard_normal((count, args.dim), np.float32)
        feats *= 2
        for image, person in enumerate(rng.integers(identities, size=count)):
            feats[image] += centers[person]
            feats[image] /= np.linalg.norm(feats[image])
        parts.append(feats)
    return parts


class Worker:
    """One form with its features, in a process of its own."""

    form: str
    feats: list[np.ndarray]

    @classmethod
    def start(cls, form: str, args: argparse.Namespace) -> None:
        """Make the features and wake up libraries and threads."""
        small = {'queries': 100, 'gallery': 100, 'dim': args.dim}
        cls.form, cls.feats = form, make_features(argparse.Namespace(**small))
        cls.run()
        cls.feats = make_features(args)

    @classmethod
    def run(cls) -> np.ndarray:
        """Return the distances."""
        if cls.form == 'dense':
            return dense_rerank(*cls.feats)
        from mmcion import rerank

        return rerank(*cls.feats, k1=K1, k2=K2, lambda_value=LAMBDA)

    @classmethod
    def measure(cls, keep: bool) -> tuple[float, float, Any]:
        """Return extra MiB, seconds and, to compare, the distances."""
        results: list[Any] = []
        began = time.perf_counter()
        extra = peak_of(lambda: results.append(cls.run()), 'cpu')
        took = time.perf_counter() - began
        return extra, took, results[0] if keep else None


def main() -> None:
    """Measure both forms and print."""
    args = parse_args()
    forms = ['sparse'] if args.size_msmt17 else ['dense', 'sparse']
    context = multiprocessing.get_context('spawn')
    extra: dict[str, float] = {}
    seconds = dict.fromkeys(forms, float('inf'))
    found = {}
    for _ in range(args.repeats):  # in turns: other load hits both
        for form in forms:
            # freed memory of one run must not serve another
            with context.Pool(1, Worker.start, (form, args)) as pool:
                peak, took, found[form] = pool.apply(
                    Worker.measure, (len(forms) > 1,)
                )
            extra[form] = max(extra.get(form, 0), peak)
            seconds[form] = min(seconds[form], took)
    for form in forms:
        print(f'{form:10}{seconds[form]:10.2f} s{extra[form]:10.1f} MiB')
    report: dict[str, Any] = {
        'extra_mib': round(extra['sparse'], 1),
        'seconds': round(seconds['sparse'], 2),
        **vars(args),
    }
    if 'dense' in forms:
        difference = np.abs(found['dense'] - found['sparse']).max()
        report = {
            'speedup': round(seconds['dense'] / seconds['sparse'], 2),
            'memory_ratio': round(extra['sparse'] / extra['dense'], 4),
            **report,
            'max_difference': float(difference),
            'dense_extra_mib': round(extra['dense'], 1),
            'dense_seconds': round(seconds['dense'], 2),
        }
    print(json.dumps(report))


if __name__ == '__main__':
    main()
