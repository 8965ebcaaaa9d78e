"""Compare FAISS with blocked products in the searches for neighbours.

Example::

    python benchmarks/bench_neighbours.py --vectors 60000 --dim 256

All pairs nearer than a threshold: our blocked product against FAISS's range
search, exact and over an inverted file. Number of vectors near to each of a
sample: the same two. The floor is the bare matrix product, half of it for all
pairs. The last line of output is JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
import torch

DELTA, BLOCK, COLUMNS = 0.4, 1024, 8192


def make_vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    """Return unit vectors ``(count, dim)`` of ``count / 4`` identities."""
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(count // 4, 64)) @ rng.normal(size=(64, dim))
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    vectors = looks[rng.integers(0, len(looks), count)]
    vectors += rng.normal(size=vectors.shape) * 0.4 / np.sqrt(dim)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of a call and its result."""
    began = time.perf_counter()
    result = function()
    return round(time.perf_counter() - began, 3), result


def product(vectors: np.ndarray, queries: int, half: bool) -> None:
    """Multiply by blocks, which every exact search must do at least."""
    single = torch.from_numpy(vectors)
    for start in range(0, queries, BLOCK):
        for begin in range(start if half else 0, len(vectors), COLUMNS):
            single[start : start + BLOCK] @ single[begin : begin + COLUMNS].T


def range_search(index: Any, vectors: np.ndarray) -> np.ndarray:
    """Return how many others a FAISS index finds near to each vector."""
    counts = []
    for start in range(0, len(vectors), 8192):
        part = vectors[start : start + 8192]
        counts.append(np.diff(index.range_search(part, 1 - DELTA)[0]) - 1)
    return np.concatenate(counts).astype(np.int64)


def inverted_file(vectors: np.ndarray) -> Any:
    """Train and fill an inverted file of 4 sqrt(n) cells."""
    cells = int(4 * np.sqrt(len(vectors)))
    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(vectors.shape[1]),
        vectors.shape[1],
        cells,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.cp.niter = 5
    index.train(vectors[:: max(len(vectors) // (40 * cells), 1)])
    index.add(vectors)
    index.nprobe = 32
    return index


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--vectors', type=int, default=60_000)
    parser.add_argument('--dim', type=int, default=256)
    parser.add_argument('--queries', type=int, default=8192)
    args = parser.parse_args()
    from mmcion.denoising.functional import count_near, near_pairs

    vectors = make_vectors(args.vectors, args.dim)
    queries = min(args.queries, len(vectors))
    exact = faiss.IndexFlatIP(args.dim)
    exact.add(vectors)
    result: dict[str, Any] = {'vectors': len(vectors), 'dim': args.dim}
    result['pairs_floor'], _ = timed(
        lambda: product(vectors, len(vectors), half=True)
    )
    result['pairs_blocked'], pairs = timed(lambda: near_pairs(vectors, DELTA))
    result['pairs_faiss_exact'], _ = timed(
        lambda: range_search(exact, vectors)
    )
    result['pairs_faiss_ivf'], found = timed(
        lambda: range_search(inverted_file(vectors), vectors)
    )
    result['pairs_found'] = len(pairs[0])
    result['pairs_found_ivf'] = int(found.sum()) // 2
    result['count_floor'], _ = timed(
        lambda: product(vectors, queries, half=False)
    )
    count_near(vectors[:1], np.arange(1), DELTA)  # compiles what it needs
    result['count_blocked'], ours = timed(
        lambda: count_near(vectors, np.arange(queries), DELTA)
    )
    result['count_faiss_exact'], faiss_counts = timed(
        lambda: range_search(exact, vectors[:queries])
    )
    # pairs at the threshold may differ in the last bits
    result['counts_that_differ'] = int((ours != faiss_counts).sum())
    for name, value in result.items():
        print(f'{name:20}{value}')
    print(json.dumps(result))


if __name__ == '__main__':
    main()
