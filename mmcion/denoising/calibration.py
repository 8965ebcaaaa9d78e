"""Thresholds without labels (ours).

Boxes that share a frame are certainly different people; rows of one tracklet
are almost certainly one. Both come for free, and give the scale of distances
of whatever extractor made the features.
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
from mmcion.utils.shards import Shards

from .base_denoiser import check_count
from .functional import normalise, pair_distance
from .grouped_rows import own_distance, sum_features

_BINS = np.linspace(0, 2, 81)
_ROUNDING = 1e-6  # of distances between equal features
# A quantile so many times that of so many times the share has jumped.
_JUMP, _MOST_NOISE = 1.5, 0.4


@dataclass(frozen=True)
class Calibration:
    """Thresholds and the evidence for them.

    Attributes:
        sigma: ``1 - tracklet_noise`` quantile of the distances of images to
            their tracklet's centroid; at least 1e-6.
        tracklet_noise: the share that was used; see ``calibrate``.
        delta: ``false_merge_rate`` quantile of the distances between
            tracklets that share a frame; for comparisons within a video.
        link_delta: for comparisons of all with all; see ``calibrate``.
        num_images: images behind ``sigma``, those of tracklets of at least
            two.
        num_pairs: co-occurring tracklet pairs behind ``delta``.
        bins: edges of both histograms.
        same: counts of the distances behind ``sigma``.
        different: counts of the distances behind ``delta``.
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
    shards: Shards | None = None,
) -> Calibration:
    """Choose ``sigma``, ``delta`` and ``link_delta`` from the tracklets.

    Across videos an identity is compared with thousands, and a rate that is
    harmless among the ten people of a video would link it to hundreds. So
    ``link_delta`` is the distance below which an identity expects
    ``false_links`` of all T tracklets: the quantile ``false_links / T``. So
    few pairs lie there that it is read off a normal distribution through the
    median and ``delta``. It is at most ``delta``, and at least the median
    distance of images to their own tracklet.

    Where more images are foreign than ``tracklet_noise`` says, the quantile
    lies among them, far above that of a few images more. Then the share grows
    by steps of 1.5 times beyond the last such jump, and the log says so.

    Args:
        table: the images.
        features: one row each.
        false_merge_rate: share of co-occurring pairs, which are different
            people, that may lie nearer than ``delta``.
        tracklet_noise: share of images presumed to be foreign to their
            tracklet.
        false_links: see above.
        min_pairs: fewer co-occurring pairs are not evidence.
        shards: how the work is shared.

    Raises:
        ValueError: if ``false_merge_rate`` is not in (0, 0.5) or
            ``tracklet_noise`` not in (0, 1), there are fewer pairs or no
            tracklet has two images; names the count and the remedy.
    """
    _check_rates(false_merge_rate, tracklet_noise, false_links)
    check_count('min_pairs', min_pairs)
    tracklet = IdentityLabels.from_tracklets(table, features).identity
    first, second = cooccurring_pairs(table, tracklet)
    if len(first) < min_pairs:
        raise ValueError(
            f'only {len(first)} pairs of tracklets share a frame, and '
            f'calibration wants {min_pairs}: "auto" thresholds cannot be '
            f'chosen. Set sigma and delta of every level by hand in the '
            f'config, or lower calibration.min_pairs.'
        )
    centroids = normalise(sum_features(features, tracklet, shards))
    same = own_distance(features, centroids, tracklet, shards)
    same = same[_has_company(tracklet)]
    if not len(same):
        raise ValueError(
            'no tracklet has two images, so nothing shows how much images of '
            'one person differ: "auto" thresholds cannot be chosen. Set '
            'sigma and delta of every level by hand in the config.'
        )
    different = pair_distance(centroids, first, second)
    delta = float(np.quantile(different, false_merge_rate))
    link_delta = _lower_tail(
        float(np.median(different)),
        delta,
        false_merge_rate,
        false_links / table.num_tracklets,
    )
    sigma, used = _upper_quantile(same, tracklet_noise)
    if used > tracklet_noise:
        print_log(
            f'more than {tracklet_noise:.0%} of the images seem foreign to '
            f'their tracklet: sigma is chosen as if {used:.0%} were. Set '
            f'calibration.tracklet_noise if you know the share.',
            logger='current',
            level=logging.WARNING,
        )
    return Calibration(
        sigma=max(sigma, _ROUNDING),
        tracklet_noise=used,
        delta=delta,
        link_delta=min(delta, max(link_delta, float(np.median(same)))),
        num_images=len(same),
        num_pairs=len(first),
        bins=_BINS.tolist(),
        same=_histogram(same),
        different=_histogram(different),
    )


def _has_company(tracklet: np.ndarray) -> np.ndarray:
    """Tell of every row whether its tracklet has another one."""
    sizes = np.bincount(tracklet[tracklet >= 0], minlength=1)
    return (tracklet >= 0) & (sizes[tracklet] > 1)


def _check_rates(
    false_merge_rate: float, tracklet_noise: float, false_links: float
) -> None:
    for name, value, limit in (
        ('false_merge_rate', false_merge_rate, 0.5),
        ('tracklet_noise', tracklet_noise, 1),
    ):
        if not isinstance(value, int | float) or not 0 < value < limit:
            raise ValueError(
                f'{name} is a share in (0, {limit}); got {value!r}.'
            )
    if not isinstance(false_links, int | float) or not false_links > 0:
        raise ValueError(
            f'false_links is a positive number; got {false_links!r}.'
        )


def _upper_quantile(same: np.ndarray, noise: float) -> tuple[float, float]:
    """Return the ``1 - noise`` quantile, unless it lies among outliers.

    Returns:
        The quantile and the noise that it is for.
    """
    steps = int(np.log(max(_MOST_NOISE / noise, 1)) / np.log(_JUMP))
    shares = noise * _JUMP ** np.arange(steps + 1)
    values = np.quantile(same, 1 - shares)
    jumps = np.flatnonzero(values[:-1] > _JUMP * values[1:] + _ROUNDING)
    used = jumps[-1] + 1 if len(jumps) else 0
    return float(values[used]), float(shares[used])


def _lower_tail(
    median: float, quantile: float, rate: float, wanted: float
) -> float:
    """Return the ``wanted`` quantile of a normal distribution.

    Args:
        median: of the distribution.
        quantile: its quantile at ``rate``.
        rate: in (0, 0.5).
        wanted: rates from ``rate`` up give ``quantile``.
    """
    if wanted >= rate:
        return quantile
    deviation = (median - quantile) / norm.isf(rate)
    return float(median - norm.isf(wanted) * deviation)


def _histogram(distance: np.ndarray) -> list[int]:
    # rounding makes distances that lie just outside of [0, 2]
    return np.histogram(np.clip(distance, 0, 2), _BINS)[0].tolist()
