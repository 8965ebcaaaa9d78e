"""BaseDenoiser: the contract of a denoising level."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable


class BaseDenoiser(ABC):
    """One level: a pure function of (table, features, labels).

    A level may pool rows (identity -1) and merge, split or reassign
    identities. It never reorders rows and never changes its inputs. Register
    your own in ``DENOISERS`` and name it in the pipeline of a config.
    """

    @abstractmethod
    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
    ) -> IdentityLabels:
        """Return new labels, with counts of what was done in ``report``."""


def check_threshold(name: str, value: float) -> float:
    """Return ``value`` if it is a cosine distance, else raise ValueError."""
    if isinstance(value, str) or not 0 < value <= 2:
        raise ValueError(
            f'{name} is a cosine distance in (0, 2]; got {value!r}. "auto" '
            f'is only understood by DenoisePipeline, which calibrates it.'
        )
    return float(value)


def group_rows(identity: np.ndarray) -> list[np.ndarray]:
    """Return the rows of every identity 0..K-1, in order; -1 is left out."""
    order = np.argsort(identity, kind='stable')
    counts = np.bincount(identity[identity >= 0])
    pooled = int((identity < 0).sum())
    return (
        np.split(order[pooled:], np.cumsum(counts)[:-1]) if len(counts) else []
    )


def sum_features(
    features: FeatureStore, identity: np.ndarray, block: int = 1 << 15
) -> np.ndarray:
    """Return the feature sums ``(K, D)`` float64 of identities 0..K-1.

    Reads the features once, by blocks of rows.
    """
    sums = np.zeros((int(identity.max(initial=-1)) + 1, features.dim))
    for start in range(0, len(identity), block):
        ids = identity[start : start + block]
        rows = np.flatnonzero(ids >= 0)
        if len(rows):
            feats = features[start + rows].astype(np.float64)
            np.add.at(sums, ids[rows], feats)
    return sums
