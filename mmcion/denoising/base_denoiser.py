"""BaseDenoiser: the contract of a denoising level."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.shards import Shards


class BaseDenoiser(ABC):
    """One level: a pure function of (table, features, labels, seed).

    A level may pool rows (identity -1) and merge, split or reassign
    identities. It never reorders rows and never changes its inputs. Register
    your own in ``DENOISERS`` and name it in the pipeline of a config.

    Attributes:
        calibrated: arguments that may be ``'auto'`` in a config, and the
            field of ``Calibration`` that each then gets.
        shards: how a level may share its work among ranks and keep what is
            finished; the pipeline sets it. Results must not depend on it.
    """

    calibrated: ClassVar[dict[str, str]] = {
        'sigma': 'sigma',
        'delta': 'delta',
        'max_spread': 'sigma',
    }
    shards = Shards()

    @abstractmethod
    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return new labels, with counts of what was done in ``report``.

        Args:
            table: the images.
            features: one row each. Rows in ``features.unreadable`` have no
                feature and must stay unassigned.
            labels: their identities so far.
            seed: for levels that draw at random; CION's do not.
        """


def check_threshold(name: str, value: float) -> float:
    """Return ``value`` if it is a cosine distance, else raise ValueError."""
    if not _is_number(value) or not 0 < value <= 2:
        raise ValueError(
            f'{name} is a cosine distance in (0, 2], or "auto" in the '
            f'pipeline of a config; got {value!r}.'
        )
    return float(value)


def check_share(name: str, value: float) -> float:
    """Return ``value`` if it lies in [0, 1], else raise ValueError."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f'{name} must lie in [0, 1]; got {value!r}.')
    return float(value)


def check_count(name: str, value: int) -> int:
    """Return ``value`` if it is a whole number >= 1, else raise."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise ValueError(f'{name} must be a whole number; got {value!r}.')
    if value < 1:
        raise ValueError(f'{name} must be at least 1; got {value}.')
    return int(value)


def check_flag(name: str, value: bool) -> bool:
    """Return ``value`` if it is True or False, else raise ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f'{name} must be True or False; got {value!r}.')
    return value


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and not isinstance(value, bool)
