"""Thresholds without labels (ours).

Boxes that share a frame are certainly different people; rows of one tracklet
are almost certainly one. Both come for free, and give the scale of distances
of whatever extractor made the features.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mmcion.structures import (
    FeatureStore,
    TrackletTable,
    cooccurring_tracklets,
)

from .base_denoiser import group_rows, sum_features
from .functional import normalise, pair_distance

_BINS = np.linspace(0, 2, 81)


@dataclass(frozen=True)
class Calibration:
    """Thresholds and the evidence for them.

    Attributes:
        sigma: ``1 - tracklet_noise`` quantile of the distances of images to
            their tracklet's centroid.
        delta: ``false_merge_rate`` quantile of the distances between
            tracklets that share a frame.
        num_images: images behind ``sigma``.
        num_pairs: co-occurring tracklet pairs behind ``delta``.
        bins: edges of both histograms.
        same: counts of the distances behind ``sigma``.
        different: counts of the distances behind ``delta``.
    """

    sigma: float
    delta: float
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
    min_pairs: int = 10,
) -> Calibration:
    """Choose ``sigma`` and ``delta`` from the tracklets themselves.

    Args:
        table: the images.
        features: one row each.
        false_merge_rate: share of co-occurring pairs, which are different
            people, that may lie nearer than ``delta``.
        tracklet_noise: share of images presumed to be foreign to their
            tracklet.
        min_pairs: fewer co-occurring pairs are not evidence.

    Raises:
        ValueError: if there are fewer pairs; names the count and the remedy.
    """
    sums = sum_features(features, table.tracklet_index)
    centroids = normalise(sums)
    same = np.concatenate(
        [
            1 - features[rows] @ centroids[k]
            for k, rows in enumerate(group_rows(table.tracklet_index))
        ]
        or [np.zeros(0)]
    )
    first, second = cooccurring_tracklets(table)
    if len(first) < min_pairs:
        raise ValueError(
            f'only {len(first)} pairs of tracklets share a frame, and '
            f'calibration wants {min_pairs}: "auto" thresholds cannot be '
            f'chosen. Set sigma and delta of every level by hand in the '
            f'config, or lower calibration.min_pairs.'
        )
    different = pair_distance(centroids, first, second)
    return Calibration(
        sigma=float(np.quantile(same, 1 - tracklet_noise)),
        delta=float(np.quantile(different, false_merge_rate)),
        num_images=len(same),
        num_pairs=len(first),
        bins=_BINS.tolist(),
        same=_histogram(same),
        different=_histogram(different),
    )


def _histogram(distance: np.ndarray) -> list[int]:
    # rounding makes distances that lie just outside of [0, 2]
    return np.histogram(np.clip(distance, 0, 2), _BINS)[0].tolist()
