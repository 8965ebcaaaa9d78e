import numpy as np

from mmcion.structures.columns import as_integers
from mmcion.utils.checks import check_same_length

_KINDS = 'pairwise', 'bcubed'  # of precision and recall


def identity_metrics(
    true: np.ndarray, found: np.ndarray
) -> dict[str, float | int]:
    """Evaluate found identities.

    - Rows with ``true < 0`` have no ground truth and are ignored.
    - Rows with ``found < 0`` were removed. Scores are of the kept rows only:
      removing a row costs neither precision nor recall, and shows in
      ``kept``. Read the two together.
    - Without pairs, precision or recall is 1; without kept rows, every score
      is 0.

    Args:
        true: ``(N,)`` integers, true identity of every row.
        found: ``(N,)`` integers, found identity of every row.

    Returns:
        ``pairwise_precision`` (fraction of pairs in one found identity that
        are of one true identity), ``pairwise_recall`` (the reverse),
        ``pairwise_f1``; ``bcubed_precision``, ``bcubed_recall``,
        ``bcubed_f1`` (Bagga and Baldwin, 1998; mean over rows); ``ari``
        (Hubert and Arabie, 1985), ``nmi`` (arithmetic mean), ``purity``;
        ``kept`` (fraction of rows with ground truth), ``num_true``
        (identities among all rows with ground truth) and ``num_found``
        (among the kept ones).
    """
    true = as_integers('true', true, np.int64)
    found = as_integers('found', found, np.int64)
    check_same_length(true=true, found=found)
    is_known = true >= 0
    is_kept = is_known & (found >= 0)
    names = [f'{a}_{b}' for a in _KINDS for b in ('precision', 'recall', 'f1')]
    scores = dict.fromkeys([*names, 'ari', 'nmi', 'purity'], 0.0)
    if is_kept.any():
        scores |= _scores(true[is_kept], found[is_kept])
    return {
        **scores,
        'kept': float(is_kept.sum() / max(is_known.sum(), 1)),
        'num_true': len(np.unique(true[is_known])),
        'num_found': len(np.unique(found[is_kept])),
    }


def _scores(true: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Return the scores of ``(N,)`` rows, N > 0."""
    # takes a second, which trainings and tests of networks need not wait
    from sklearn import metrics
    from sklearn.metrics.cluster import contingency_matrix

    # sparse: no array is larger than the number of rows
    table = contingency_matrix(true, found, sparse=True)  # (I, J) int64
    true_sizes = np.asarray(table.sum(axis=1)).ravel()  # (I,)
    found_sizes = np.asarray(table.sum(axis=0)).ravel()  # (J,)
    # pairs of rows that share both, the true, the found identity
    in_both, in_true, in_found = (
        int((sizes * (sizes - 1) // 2).sum())
        for sizes in (table.data, true_sizes, found_sizes)
    )
    cells = table.tocoo()
    # each of the n_ij rows of cell (i, j) shares both identities with n_ij
    squares = cells.data.astype(np.float64) ** 2
    precision = {
        'pairwise': in_both / in_found if in_found else 1.0,
        'bcubed': float((squares / found_sizes[cells.col]).sum() / len(true)),
    }
    recall = {
        'pairwise': in_both / in_true if in_true else 1.0,
        'bcubed': float((squares / true_sizes[cells.row]).sum() / len(true)),
    }
    scores = {}
    for name in _KINDS:
        both = precision[name] + recall[name]
        scores[f'{name}_precision'] = precision[name]
        scores[f'{name}_recall'] = recall[name]
        f1 = 2 * precision[name] * recall[name] / both if both else 0.0
        scores[f'{name}_f1'] = f1
    return {
        **scores,
        'ari': float(metrics.adjusted_rand_score(true, found)),
        'nmi': float(metrics.normalized_mutual_info_score(true, found)),
        'purity': float(table.max(axis=0).sum() / len(true)),
    }
