"""Thresholds without labels (ours).

Boxes that share a frame are certainly different identities; images of one
tracklet are almost certainly one. Both are free, and give the scale of
distances of whatever extractor made the features.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from mmengine.logging import print_log
from scipy.stats import norm

from mmcion.structures import (
    FeatureStore,
    IdentityLabels,
    TrackletTable,
    cooccurring_pairs,
)
from mmcion.utils.checks import UserError, check_at_least, check_interval

from .functional import DISTANCE_ERROR, normalise, pair_distance
from .grouped_rows import own_distance, sum_features

_BINS = np.linspace(0, 2, 81)  # cosine distances, in steps of 0.025
# Foreign images show as a jump: at 1.5 times the ratio, the quantile is less
# than 1 / 1.5 of what it was. Ratios above 0.4 are not tried, since most
# images must be the tracklet's own.
_JUMP, _MAX_NOISE = 1.5, 0.4


@dataclass(frozen=True)
class Calibration:
    """Thresholds and the evidence for them.

    Attributes:
        sigma: ``1 - tracklet_noise`` quantile of the distances of images to
            their tracklet's centroid; at least 1e-6.
        tracklet_noise: Ratio that was used; see ``calibrate``.
        delta: ``false_merge_rate`` quantile of the distances of co-occurring
            pairs of tracklets; for comparisons within a video.
        link_delta: For comparisons of all with all; see ``calibrate``.
        num_images: Images behind ``sigma``, those of tracklets of at least
            two.
        num_pairs: Co-occurring pairs behind ``delta``.
        bins: Edges of both histograms.
        same: Counts of the distances behind ``sigma``.
        different: Counts of the distances behind ``delta``.
    """

    sigma: float
    tracklet_noise: float
    delta: float
    link_delta: float
    num_images: int
    num_pairs: int
    bins: list[float]
    same: list[int]
    different: list[int]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the report."""
        return asdict(self)


def calibrate(
    table: TrackletTable,
    features: FeatureStore,
    *,
    false_merge_rate: float = 0.05,
    tracklet_noise: float = 0.1,
    false_links: float = 1.0,
    min_pairs: int = 10,
) -> Calibration:
    """Choose ``sigma``, ``delta`` and ``link_delta`` from the tracklets.

    Across videos an identity is compared with thousands, and a rate that is
    harmless among the ten identities of a video would link it to hundreds.
    So ``link_delta`` is the distance below which an identity expects
    ``false_links`` of all T tracklets: the quantile ``false_links / T``. So
    few pairs lie there that it is read off a normal distribution through the
    median and ``delta``. It is at most ``delta``, and at least the median
    distance of images to their own tracklet.

    Where more images are foreign than ``tracklet_noise`` says, the quantile
    lies among them, far above that of a slightly larger ratio. Then the ratio
    grows by steps of 1.5 times beyond the last such jump, and the log says
    so.

    Args:
        table: N images.
        features: One row per image.
        false_merge_rate: Fraction of co-occurring pairs, which are different
            identities, that may lie nearer than ``delta``.
        tracklet_noise: Fraction of images presumed to be foreign to their
            tracklet.
        false_links: Number of false links that an identity may expect.
        min_pairs: Fewer co-occurring pairs are not enough evidence.

    Raises:
        UserError: If an argument is outside its range, there are fewer pairs
            or no tracklet has two images; names the count and what to do.
    """
    check_interval('(0, 0.5)', false_merge_rate=false_merge_rate)
    check_interval('(0, 1)', tracklet_noise=tracklet_noise)
    check_interval('(0, inf)', false_links=false_links)
    check_at_least(1, min_pairs=min_pairs)
    by_hand = 'Set sigma and delta of every level by hand in the config'
    tracklet = IdentityLabels.from_tracklets(table, features).identity
    first, second = cooccurring_pairs(table, tracklet)
    if len(first) < min_pairs:
        raise UserError(
            f'"auto" thresholds need {min_pairs} pairs of tracklets that '
            f'share a frame; found only {len(first)} pairs. {by_hand}, or '
            f'lower calibration.min_pairs.'
        )
    centroids = normalise(sum_features(features, tracklet))  # (T, D)
    # Positives: images of tracklets that have another one. An image alone is
    # its own centroid.
    sizes = np.bincount(tracklet[tracklet >= 0])
    in_company = (tracklet >= 0) & (sizes[tracklet] > 1)
    same = own_distance(features, centroids, tracklet)[in_company]
    if not len(same):
        raise UserError(
            f'"auto" thresholds need tracklets of two images, which show how '
            f'much images of one identity differ; found 0. {by_hand}.'
        )
    # Negatives: co-occurring pairs of tracklets.
    different = pair_distance(centroids, first, second)
    delta = float(np.quantile(different, false_merge_rate))
    median = float(np.median(different))
    rate = false_links / table.num_tracklets
    link_delta = delta
    if rate < false_merge_rate:
        # the normal distribution with this median and delta as a quantile
        deviation = (median - delta) / norm.isf(false_merge_rate)
        link_delta = float(median - norm.isf(rate) * deviation)
        link_delta = min(delta, max(link_delta, float(np.median(same))))
    sigma, used_noise = quantile_below_outliers(same, tracklet_noise)
    if used_noise > tracklet_noise:
        print_log(
            f'more than {tracklet_noise:.0%} of the images seem foreign to '
            f'their tracklet: sigma is chosen as if {used_noise:.0%} were. '
            f'Set calibration.tracklet_noise if you know the fraction.',
            logger='current',
            level=logging.WARNING,
        )
    # rounding makes distances that lie just outside of [0, 2]
    same_counts, different_counts = (
        np.histogram(np.clip(distance, 0, 2), _BINS)[0].tolist()
        for distance in (same, different)
    )
    return Calibration(
        sigma=max(sigma, DISTANCE_ERROR),
        tracklet_noise=used_noise,
        delta=delta,
        link_delta=link_delta,
        num_images=len(same),
        num_pairs=len(first),
        bins=_BINS.tolist(),
        same=same_counts,
        different=different_counts,
    )


def quantile_below_outliers(
    values: np.ndarray, ratio: float
) -> tuple[float, float]:
    """Return the ``1 - ratio`` quantile, unless it lies among outliers.

    Args:
        values: ``(n,)`` distances.
        ratio: Smallest fraction of outliers, in (0, 1).

    Returns:
        The quantile, and the ratio that it belongs to: the smallest of
        ``ratio * 1.5 ** i`` beyond which no jump follows.
    """
    steps = int(np.log(max(_MAX_NOISE / ratio, 1)) / np.log(_JUMP))
    ratios = ratio * _JUMP ** np.arange(steps + 1)
    quantiles = np.quantile(values, 1 - ratios)  # decreasing
    jumps = np.flatnonzero(
        quantiles[:-1] > _JUMP * quantiles[1:] + DISTANCE_ERROR
    )
    index = jumps[-1] + 1 if len(jumps) else 0
    return float(quantiles[index]), float(ratios[index])
