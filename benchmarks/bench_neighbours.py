"""Compare FAISS with blocked products in both searches for neighbours.

Example::

    python benchmarks/bench_neighbours.py --vectors 60000 --dim 256

All pairs nearer than a threshold: our blocked product against FAISS's range
search, exact and over an inverted file. Nearest other of a sample: FAISS's
search against a blocked product. The floor is the bare matrix product, half
of it for all pairs. The last line of output is JSON.
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


def range_search(index: Any, vectors: np.ndarray) -> int:
    """Return the number of pairs that a FAISS index finds."""
    found = 0
    for start in range(0, len(vectors), 8192):
        part = vectors[start : start + 8192]
        found += len(index.range_search(part, 1 - DELTA)[2])
    return (found - len(vectors)) // 2


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


def blocked_nearest(vectors: np.ndarray, queries: int) -> np.ndarray:
    """Return similarities of the first vectors to their nearest other."""
    single = torch.from_numpy(vectors)
    best = torch.full((queries,), -2.0)
    for start in range(0, queries, BLOCK):
        stop = min(start + BLOCK, queries)
        for begin in range(0, len(vectors), COLUMNS):
            columns = single[begin : begin + COLUMNS]
            near = single[start:stop] @ columns.T
            own = torch.arange(start, stop) - begin
            inside = (own >= 0) & (own < len(columns))
            near[inside, own[inside]] = -2
            best[start:stop] = torch.maximum(
                best[start:stop], near.max(1).values
            )
    return best.numpy()


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
    from mmcion.denoising.functional import near_pairs

    vectors = make_vectors(args.vectors, args.dim)
    queries = min(args.queries, len(vectors))
    group = np.arange(len(vectors))
    exact = faiss.IndexFlatIP(args.dim)
    exact.add(vectors)
    result: dict[str, Any] = {'vectors': len(vectors), 'dim': args.dim}
    result['pairs_floor'], _ = timed(
        lambda: product(vectors, len(vectors), half=True)
    )
    result['pairs_blocked'], pairs = timed(
        lambda: near_pairs(vectors, DELTA, group=group)
    )
    result['pairs_faiss_exact'], _ = timed(
        lambda: range_search(exact, vectors)
    )
    result['pairs_faiss_ivf'], found = timed(
        lambda: range_search(inverted_file(vectors), vectors)
    )
    result['pairs_found'] = len(pairs[0])
    result['pairs_found_ivf'] = found
    result['nearest_floor'], _ = timed(
        lambda: product(vectors, queries, half=False)
    )
    result['nearest_faiss'], ours = timed(
        lambda: nearest_other(vectors, np.arange(queries))
    )
    result['nearest_blocked'], plain = timed(
        lambda: blocked_nearest(vectors, queries)
    )
    np.testing.assert_allclose(1 - ours, plain, atol=1e-5)
    for name, value in result.items():
        print(f'{name:20}{value}')
    print(json.dumps(result))


if __name__ == '__main__':
    main()
