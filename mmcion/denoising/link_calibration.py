"""The threshold of links between videos at a false-discovery rate (ours)."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from mmengine.logging import print_log
from scipy.special import ndtr, ndtri

from mmcion.structures import (
    FeatureStore,
    IdentityLabels,
    TrackletTable,
    cooccurring_pairs,
)
from mmcion.utils.checks import check_at_least, check_interval
from mmcion.utils.rank_pool import RankPool

from .functional import (
    DISTANCE_EDGES,
    DISTANCE_ERROR,
    count_distances,
    normalise,
    pair_distance,
)
from .grouped_rows import sum_features

_MIN_CROSS_PAIRS = 100  # the tail of fewer, from 1 % on, is a pair or none
_TAIL = np.linspace(0.01, 0.1, 19)  # quantiles that the tail is fitted to
_CURVE_POINTS = 200

LinkDelta = float | Literal['auto'] | None


@dataclass(frozen=True)
class LinkCalibration:
    """The threshold of links between videos, and the evidence for it.

    Attributes:
        link_delta: Largest distance at which links have the stated rate;
            None if there is none.
        false_discovery_rate: The stated rate.
        num_identities: Identities that the distances are between.
        num_compared: Pairs of identities of two videos behind the curves.
        is_sample: Whether these are not all pairs.
        num_cooccurring: Co-occurring pairs of identities.
        distance: Points of the three curves.
        links: Fraction of the pairs up to each distance.
        within: Rate by the distances of co-occurring identities, empty if
            these are too few.
        cross: Rate by the bulk of the distances between videos, empty if
            these are too few.
    """

    link_delta: float | None
    false_discovery_rate: float
    num_identities: int
    num_compared: int
    is_sample: bool
    num_cooccurring: int
    distance: list[float]
    links: list[float]
    within: list[float]
    cross: list[float]


def calibrate_links(
    table: TrackletTable,
    features: FeatureStore,
    labels: IdentityLabels,
    *,
    false_discovery_rate: float = 0.4,
    min_pairs: int = 10,
    synchronised: bool = False,
    centroids: np.ndarray | None = None,
    ranks: RankPool | None = None,
) -> LinkCalibration:
    """Choose the distance below which identities of two videos are linked.

    Of P pairs of identities, n(d) are nearer than d, and p0(d) P would be if
    all were strangers, p0 being the distribution of strangers' distances. So
    the expected fraction of false links is p0(d) P / n(d). There are two
    estimates of the lower tail of p0, both normal:

    * *within* has the median and the 5 % quantile of co-occurring identities.
      They share a camera, which brings strangers nearer. Should their median
      be larger than the 60 % quantile of the pairs of two videos, which is
      above the median of strangers as long as a fifth or less are one
      identity, it is moved there.
    * *cross* is fitted to the 1 % to 10 % quantiles of all pairs of two
      videos. In a small collection many of these are one identity.

    Both err to the safe side, so the larger distance of the two is taken. It
    is at most the median of the pairs of two videos.

    Args:
        table: N images.
        features: One row per image.
        labels: Identities to link, each of one video.
        false_discovery_rate: Largest expected fraction of false links.
        min_pairs: Fewer co-occurring pairs are not enough for *within*.
        synchronised: As in ``CrossVideoDenoiser``: *within* then has pairs
            of two cameras, too.
        centroids: ``(K, D)`` centroids of the identities in the order of
            their numbers, if they are known.
        ranks: How the work is shared among ranks.
    """
    check_interval('(0, 1)', false_discovery_rate=false_discovery_rate)
    check_at_least(1, min_pairs=min_pairs)
    identity = labels.compact().identity  # (N,) in 0..K-1
    if centroids is None:
        centroids = normalise(sum_features(features, identity, ranks))
    kept = np.flatnonzero(identity >= 0)
    first_rows = kept[np.unique(identity[kept], return_index=True)[1]]  # (K,)
    count, compares_all = count_distances(
        centroids, table.video_id[first_rows], ranks
    )
    pairs = cooccurring_pairs(table, identity, synchronised=synchronised)
    within = pair_distance(centroids, *pairs)

    total = int(count.sum())
    nearer = np.cumsum(count)  # pairs up to the upper edge of each bin
    edges = DISTANCE_EDGES[1:]
    middle = int(np.searchsorted(nearer, total / 2))  # bin of the median
    inside = (count > 0) & (np.arange(len(count)) <= middle)
    rates: dict[str, np.ndarray] = {}
    if total and len(within) >= min_pairs:
        largest = edges[np.searchsorted(nearer, 0.6 * total)]
        rates['within'] = _tail_through(within, edges, largest) * total
    if total >= _MIN_CROSS_PAIRS:
        rates['cross'] = _tail_fitted_to(nearer / total, edges) * total
    deltas = []
    for name, expected in rates.items():
        rates[name] = expected / np.maximum(nearer, 1)
        holds = inside & (rates[name] <= false_discovery_rate)
        deltas += edges[holds][-1:].tolist()
    first = int(np.searchsorted(nearer, 1))
    spread = np.linspace(first, middle, _CURVE_POINTS).astype(np.int64)
    points = np.unique(spread)[: len(edges) if total else 0]
    curves = {
        name: rates[name][points].round(6).tolist() if name in rates else []
        for name in ('within', 'cross')
    }
    return LinkCalibration(
        link_delta=max(deltas, default=None),
        false_discovery_rate=false_discovery_rate,
        num_identities=len(centroids),
        num_compared=total // 2,
        is_sample=not compares_all,
        num_cooccurring=len(within),
        distance=edges[points].tolist(),
        links=(nearer[points] / max(total, 1)).tolist(),
        **curves,
    )


def resolve_link_delta(
    delta: LinkDelta,
    table: TrackletTable,
    features: FeatureStore,
    labels: IdentityLabels,
    centroids: np.ndarray,
    *,
    false_discovery_rate: float,
    ranks: RankPool,
    synchronised: bool = False,
) -> tuple[float | None, dict[str, Any]]:
    """Return ``delta``, calibrated if it is 'auto'.

    And what a level that does so adds to its report.
    """
    if delta != 'auto':
        return delta, {}
    found = calibrate_links(
        table,
        features,
        labels,
        false_discovery_rate=false_discovery_rate,
        synchronised=synchronised,
        centroids=centroids,
        ranks=ranks,
    )
    if not found.num_compared:
        text = 'no links between videos: there are no two to link'
    elif found.link_delta is None:
        text = (
            f'no links between videos: these features do not tell people '
            f'apart there; at every distance more than '
            f'{false_discovery_rate:.0%} of the links would be expected to be '
            f'false. Features of a ReID network may do, or those of the '
            f'network after a round of pre-training.'
        )
    else:
        text = (
            f'links between videos are nearer than {found.link_delta:.3f}, '
            f'where {false_discovery_rate:.0%} are expected to be false'
        )
    print_log(text, logger='current')
    links = asdict(found)
    link_delta = links.pop('link_delta')
    calibration = {'link_delta': link_delta, 'links': links}
    return link_delta, {'calibration': calibration}


def _tail_through(
    distance: np.ndarray, edges: np.ndarray, largest: float
) -> np.ndarray:
    """Return p0 at ``edges``, normal with the median and 5 % quantile.

    ``largest`` is the largest median.
    """
    median, low = np.quantile(distance, [0.5, 0.05])
    deviation = max((low - median) / ndtri(0.05), DISTANCE_ERROR)
    return ndtr((edges - min(median, largest)) / deviation)


def _tail_fitted_to(fraction: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return p0 at ``edges``, normal fitted to quantiles of pairs.

    ``fraction`` of the pairs lie up to each edge.
    """
    quantile = np.interp(_TAIL, fraction, edges)
    # the quantiles of a normal distribution: mean + deviation * z
    deviation, mean = np.polyfit(ndtri(_TAIL), quantile, 1)
    return ndtr((edges - mean) / max(deviation, DISTANCE_ERROR))
