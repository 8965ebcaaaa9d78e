"""Thresholds without labels (ours).

Boxes that share a frame are certainly different identities; images of one
tracklet are almost certainly one. Both are free, and give the scale of
distances of whatever extractor made the features.
"""

import logging
from dataclasses import dataclass

import numpy as np
from mmengine.logging import print_log
from scipy.special import ndtri

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
        noise_delta: For the noise between identities; see ``calibrate``.
        num_images: Images behind ``sigma``, those of tracklets of at least
            two.
        num_pairs: Co-occurring pairs behind ``delta``.
        bins: Edges of both histograms.
        same: Histogram of the distances behind ``sigma``.
        different: Histogram of the distances behind ``delta``.
    """

    sigma: float
    tracklet_noise: float
    delta: float
    noise_delta: float
    num_images: int
    num_pairs: int
    bins: list[float]
    same: list[int]
    different: list[int]


def calibrate(
    table: TrackletTable,
    features: FeatureStore,
    *,
    false_merge_rate: float = 0.05,
    tracklet_noise: float = 0.1,
    min_pairs: int = 10,
) -> Calibration:
    """Choose ``sigma`` and ``delta`` from the tracklets.

    Noise between identities is measured by comparing each with all, and
    nearer than ``delta`` nearly all of thousands have another one. So
    ``noise_delta`` is the distance below which a tracklet expects one of the
    T others: the quantile ``1 / T``. So few pairs lie there that it is read
    off a normal distribution through the median and ``delta``. It is at most
    ``delta``, and at least the median distance of images to their own
    tracklet.

    Args:
        table: N images.
        features: One row per image.
        false_merge_rate: Fraction of co-occurring pairs, which are different
            identities, that may lie nearer than ``delta``.
        tracklet_noise: Fraction of images presumed to be foreign to their
            tracklet; more if there are more, see ``quantile_below_outliers``.
        min_pairs: Fewer co-occurring pairs are not enough evidence.

    Raises:
        UserError: If there are fewer pairs, or no tracklet has two images.
    """
    check_interval('(0, 0.5)', false_merge_rate=false_merge_rate)
    check_interval('(0, 1)', tracklet_noise=tracklet_noise)
    check_at_least(1, min_pairs=min_pairs)
    same, different = tracklet_distances(table, features)
    by_hand = 'Set sigma and delta of every level by hand in the config'
    if len(different) < min_pairs:
        raise UserError(
            f'"auto" thresholds need {min_pairs} pairs of tracklets that '
            f'share a frame; found only {len(different)} pairs. {by_hand}, '
            f'or lower calibration.min_pairs.'
        )
    if not len(same):
        raise UserError(
            f'"auto" thresholds need tracklets of two images. {by_hand}.'
        )
    # Different identities for certain: how near do they come?
    delta = float(np.quantile(different, false_merge_rate))
    median = float(np.median(different))
    wanted = 1 / table.num_tracklets
    noise_delta = lower_tail_quantile(median, delta, false_merge_rate, wanted)
    # A normal tail can reach distances at which images of one tracklet lie.
    noise_delta = min(delta, max(noise_delta, float(np.median(same))))
    # Nearly always one identity: how far apart are its images?
    sigma, used_noise = quantile_below_outliers(same, tracklet_noise)
    if used_noise > tracklet_noise:
        print_log(
            f'more than {tracklet_noise:.0%} of the images seem foreign to '
            f'their tracklet: sigma is chosen as if {used_noise:.0%} were. '
            f'Set calibration.tracklet_noise if you know the fraction.',
            logger='current',
            level=logging.WARNING,
        )
    return Calibration(
        sigma=max(sigma, DISTANCE_ERROR),
        tracklet_noise=used_noise,
        delta=delta,
        noise_delta=noise_delta,
        num_images=len(same),
        num_pairs=len(different),
        bins=_BINS.tolist(),
        same=_histogram(same),
        different=_histogram(different),
    )


def tracklet_distances(
    table: TrackletTable, features: FeatureStore
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances that show, without labels, what is far.

    Returns:
        Distances of images to the centroid of their tracklet, ``(n,)`` for
        those of tracklets with another image; and distances between the
        centroids of co-occurring pairs of tracklets, ``(m,)``.
    """
    tracklet = IdentityLabels.from_tracklets(table, features).identity
    centroids = normalise(sum_features(features, tracklet))  # (T, D)
    same = own_distance(features, centroids, tracklet)  # (N,)
    # an image alone is its own centroid
    sizes = np.bincount(tracklet[tracklet >= 0], minlength=1)
    same = same[(tracklet >= 0) & (sizes[tracklet] > 1)]
    pairs = cooccurring_pairs(table, tracklet)
    return same, pair_distance(centroids, *pairs)


def quantile_below_outliers(
    values: np.ndarray, ratio: float
) -> tuple[float, float]:
    """Return the ``1 - ratio`` quantile, unless it lies among outliers.

    Then it is far above the quantile of a slightly larger ratio.

    Returns:
        The quantile of ``values``, and the ratio that it belongs to: the
        smallest of ``ratio * 1.5 ** i`` beyond which no jump follows.
    """
    steps = int(np.log(max(_MAX_NOISE / ratio, 1)) / np.log(_JUMP))
    ratios = ratio * _JUMP ** np.arange(steps + 1)
    quantiles = np.quantile(values, 1 - ratios)  # decreasing
    jumps = np.flatnonzero(
        quantiles[:-1] > _JUMP * quantiles[1:] + DISTANCE_ERROR
    )
    index = jumps[-1] + 1 if len(jumps) else 0
    return float(quantiles[index]), float(ratios[index])


def lower_tail_quantile(
    median: float, quantile: float, rate: float, wanted: float
) -> float:
    """Return the ``wanted`` quantile of a normal distribution.

    The distribution has this median and this quantile at ``rate`` < 0.5;
    from ``rate`` up the result is ``quantile``.
    """
    if wanted >= rate:
        return quantile
    deviation = (quantile - median) / ndtri(rate)
    return float(median + ndtri(wanted) * deviation)


def _histogram(distance: np.ndarray) -> list[int]:
    # rounding makes distances that lie just outside of [0, 2]
    return np.histogram(np.clip(distance, 0, 2), _BINS)[0].tolist()
