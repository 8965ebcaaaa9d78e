"""Compare found identities with true ones, whatever their numbers.

Everything comes from the sparse contingency table of true against found
identities; no array is larger than the number of rows.
"""

import numpy as np
from scipy.sparse import csr_matrix


def identity_metrics(
    true: np.ndarray, found: np.ndarray
) -> dict[str, float | int]:
    """Judge a labelling against the truth.

    - Rows with ``true < 0`` have no truth and are ignored altogether.
    - Rows with ``found < 0`` were dropped. Scores are over kept rows only:
      dropping a row costs neither precision nor recall, and shows in
      ``kept``. Read the two together.
    - With no pair to judge, precision or recall is 1: nothing is wrong.
      With no kept row every score is 0.

    Args:
        true: ``(N,)`` integers, the true identity of every row.
        found: ``(N,)`` integers, the identity to judge.

    Returns:
        ``pairwise_precision``, ``pairwise_recall``, ``pairwise_f1`` (of all
        pairs of rows put together, how many belong together; of all that
        belong together, how many were put together), ``bcubed_precision``,
        ``bcubed_recall``, ``bcubed_f1`` (Bagga and Baldwin, 1998; mean over
        rows), ``ari``, ``nmi`` (arithmetic mean), ``purity``, ``kept``
        (share of rows with truth), ``num_true`` (identities among all rows
        with truth) and ``num_found`` (among the kept ones).

    Raises:
        ValueError: if lengths differ.
    """
    true, found = np.asarray(true), np.asarray(found)
    if true.ndim != 1 or true.shape != found.shape:
        raise ValueError(
            f'true and found must be (N,) alike; got {true.shape} and '
            f'{found.shape}.'
        )
    judged = true >= 0
    kept = judged & (found >= 0)
    table = contingency_table(true[kept], found[kept])
    return {
        **_pairwise(table),
        **_bcubed(table),
        'nmi': _normalized_mutual_information(table),
        'purity': _purity(table),
        'kept': _share(kept.sum(), judged.sum()),
        'num_true': len(np.unique(true[judged])),
        'num_found': table.shape[1],
    }


def contingency_table(true: np.ndarray, found: np.ndarray) -> csr_matrix:
    """Count the rows of each (true, found) pair of identities.

    Returns:
        ``(num_true, num_found)`` sparse int64.
    """
    true_names, row = np.unique(true, return_inverse=True)
    found_names, column = np.unique(found, return_inverse=True)
    ones = np.ones(len(row), np.int64)
    shape = (len(true_names), len(found_names))
    if not all(shape):
        return csr_matrix((1, 1), dtype=np.int64)[:0, :0]
    return csr_matrix((ones, (row, column)), shape=shape)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _f1(precision: float, recall: float) -> float:
    return _share(2 * precision * recall, precision + recall)


def _sizes(table: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of every true and of every found identity."""
    axes = (np.asarray(table.sum(axis=axis)).ravel() for axis in (1, 0))
    true, found = axes
    return true, found


def _pairs(sizes: np.ndarray) -> int:
    return sum(int(n) * (int(n) - 1) // 2 for n in sizes[sizes > 1])


def _pairwise(table: csr_matrix) -> dict[str, float]:
    rows = int(table.sum())
    true_sizes, found_sizes = _sizes(table)
    both = _pairs(table.data)
    in_true, in_found = _pairs(true_sizes), _pairs(found_sizes)
    precision = both / in_found if in_found else float(rows > 0)
    recall = both / in_true if in_true else float(rows > 0)
    return {
        'pairwise_precision': precision,
        'pairwise_recall': recall,
        'pairwise_f1': _f1(precision, recall),
        'ari': _adjusted_rand_index(both, in_true, in_found, rows),
    }


def _adjusted_rand_index(
    both: int, in_true: int, in_found: int, rows: int
) -> float:
    """Return the index of Hubert and Arabie, "Comparing partitions", 1985.

    In whole numbers: with many rows the squares leave float64.
    """
    if not rows:
        return 0.0
    if both == in_true == in_found:
        return 1.0
    total = rows * (rows - 1) // 2
    above = 2 * (both * total - in_true * in_found)
    below = (in_true + in_found) * total - 2 * in_true * in_found
    return above / below


def _bcubed(table: csr_matrix) -> dict[str, float]:
    true_sizes, found_sizes = _sizes(table)
    cells = table.tocoo()
    squares = cells.data.astype(np.float64) ** 2
    rows = cells.data.sum()
    precision = _share((squares / found_sizes[cells.col]).sum(), rows)
    recall = _share((squares / true_sizes[cells.row]).sum(), rows)
    return {
        'bcubed_precision': precision,
        'bcubed_recall': recall,
        'bcubed_f1': _f1(precision, recall),
    }


def _purity(table: csr_matrix) -> float:
    cells = table.tocoo()
    largest = np.zeros(table.shape[1], np.int64)
    np.maximum.at(largest, cells.col, cells.data)
    return _share(largest.sum(), cells.data.sum())


def _entropy(sizes: np.ndarray) -> float:
    share = sizes / sizes.sum()
    return float(-(share * np.log(share)).sum())


def _normalized_mutual_information(table: csr_matrix) -> float:
    rows = table.sum()
    if not rows:
        return 0.0
    if table.shape == (1, 1):
        return 1.0
    true_sizes, found_sizes = _sizes(table)
    cells = table.tocoo()
    expected = true_sizes[cells.row] / rows * found_sizes[cells.col]
    information = (cells.data / rows * np.log(cells.data / expected)).sum()
    mean = (_entropy(true_sizes) + _entropy(found_sizes)) / 2
    return float(np.clip(information / mean, 0, 1))
