from abc import ABC, abstractmethod
from typing import Any, ClassVar

from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.rank_pool import RankPool


class BaseDenoiser(ABC):
    """One level: a pure function of (table, features, labels, seed).

    A level may pool rows (identity -1) and merge, split or reassign
    identities. It never reorders rows and never changes its inputs. Register
    your own in ``DENOISERS`` and name it in the pipeline of a config.

    Attributes:
        calibrated: Arguments that may be ``'auto'`` in a config, and the
            field of ``Calibration`` that each then gets. None: the level
            finds the value itself, on the labels that it gets, and puts it
            into ``report['calibration']`` with what it was found on.
        ranks: How a level may share its work among ranks and keep what is
            finished; the pipeline sets it. Results must not depend on it.
    """

    calibrated: ClassVar[dict[str, str | None]] = {
        'sigma': 'sigma',
        'delta': 'delta',
        'max_spread': 'sigma',
    }
    ranks = RankPool()  # of a level on its own: one process, nothing kept

    @classmethod
    def calibrated_by(cls, stage: dict[str, Any]) -> dict[str, str | None]:
        """Return ``calibrated`` of a level with this config."""
        return cls.calibrated

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
            table: N images.
            features: One row per image. Rows in ``features.unreadable`` have
                no feature and must stay unassigned.
            labels: Identities so far.
            seed: For levels that draw at random; CION's do not.
        """
