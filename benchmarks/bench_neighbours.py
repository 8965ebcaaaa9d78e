"""Compare FAISS with blocked products in the searches for neighbours.

Example::

    python benchmarks/bench_neighbours.py --vectors 60000 --dim 256

All pairs nearer than a threshold: our blocked product against FAISS's range
search, exact and over an inverted file. Number of vectors near to each of a
sample: the same two. The nearest of each of the sample: our blocks against
FAISS's exact index. The floor is the bare matrix product, half of it for all
pairs. Ours takes a GPU where there is one; so does FAISS for the nearest if it
is ``faiss-gpu``. ``--no-faiss`` leaves it out. The last line of output is
JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from step_window import wait

DELTA, BLOCK, COLUMNS, K = 0.4, 1024, 8192, 20


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
    wait('cuda' if torch.cuda.is_available() else 'cpu')
    return round(time.perf_counter() - began, 3), result


def product(vectors: np.ndarray, queries: int, half: bool) -> None:
    """Multiply by blocks, which every exact search must do at least."""
    from mmcion.utils.neighbours import dot_products, to_search_device

    single = to_search_device(vectors)
    for start in range(0, queries, BLOCK):
        for begin in range(start if half else 0, len(vectors), COLUMNS):
            dot_products(
                single[start : start + BLOCK], single[begin : begin + COLUMNS]
            )


def range_search(index: Any, vectors: np.ndarray) -> np.ndarray:
    """Return how many others a FAISS index finds near to each vector."""
    counts = []
    for start in range(0, len(vectors), 8192):
        part = vectors[start : start + 8192]
        counts.append(np.diff(index.range_search(part, 1 - DELTA)[0]) - 1)
    return np.concatenate(counts).astype(np.int64)


def inverted_file(vectors: np.ndarray) -> Any:
    """Train and fill an inverted file of 4 sqrt(n) cells."""
    import faiss

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


def exact_index(vectors: np.ndarray, *, on_gpu: bool = False) -> Any:
    """Fill an exact index of FAISS, on a GPU if wanted and possible."""
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    # faiss-cpu has some names of faiss-gpu, too, but not this one
    resources = getattr(faiss, 'StandardGpuResources', None)
    if on_gpu and resources and faiss.get_num_gpus():
        index = faiss.index_cpu_to_gpu(resources(), 0, index)
    index.add(vectors)
    return index


def measure_faiss(vectors: np.ndarray, queries: int) -> dict[str, Any]:
    """Return seconds, counts and nearest of FAISS."""
    exact = exact_index(vectors)
    pairs, _ = timed(lambda: range_search(exact, vectors))
    ivf, found = timed(lambda: range_search(inverted_file(vectors), vectors))
    count, counts = timed(lambda: range_search(exact, vectors[:queries]))
    index = exact_index(vectors, on_gpu=True)
    nearest, near = timed(lambda: index.search(vectors[:queries], K)[1])
    return {
        'pairs_faiss_exact': pairs,
        'pairs_faiss_ivf': ivf,
        'pairs_found_ivf': int(found.sum()) // 2,
        'count_faiss_exact': count,
        'nearest_faiss_exact': nearest,
        'counts': counts,
        'near': near,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--vectors', type=int, default=60_000)
    parser.add_argument('--dim', type=int, default=256)
    parser.add_argument('--queries', type=int, default=8192)
    parser.add_argument('--no-faiss', action='store_true')
    args = parser.parse_args()
    from mmcion.denoising.functional import count_near, near_pairs
    from mmcion.evaluation import nearest_gallery
    from mmcion.utils.neighbours import search_device

    vectors = make_vectors(args.vectors, args.dim)
    queries = min(args.queries, len(vectors))
    sample = vectors[:queries]
    result = {**vars(args), 'device': str(search_device())}
    near_pairs(sample[:64], DELTA)  # wakes the device up
    count_near(sample[:1], np.arange(1), DELTA)  # compiles what it needs
    nearest_gallery(sample[:64], vectors, K)
    result['pairs_floor'], _ = timed(
        lambda: product(vectors, len(vectors), half=True)
    )
    result['pairs_blocked'], pairs = timed(lambda: near_pairs(vectors, DELTA))
    result['pairs_found'] = len(pairs[0])
    result['count_floor'], _ = timed(
        lambda: product(vectors, queries, half=False)
    )
    result['count_blocked'], counts = timed(
        lambda: count_near(vectors, np.arange(queries), DELTA)
    )
    result['nearest_blocked'], (near, _) = timed(
        lambda: nearest_gallery(sample, vectors, K)
    )
    # a few by the formula, with sums of float64
    few = sample[:64].astype(np.float64) @ vectors.T.astype(np.float64)
    expected = (few > 1 - DELTA).sum(1) - 1
    result['wrong_counts'] = int((counts[: len(few)] != expected).sum())
    if not args.no_faiss:
        found = measure_faiss(vectors, queries)
        # pairs at the threshold may differ in the last bits
        differ = int((counts != found.pop('counts')).sum())
        result['counts_that_differ'] = differ
        result['nearest_that_differ'] = int((near != found.pop('near')).sum())
        result |= found
    for name, value in result.items():
        print(f'{name:20}{value}')
    print(json.dumps(result))


if __name__ == '__main__':
    main()
