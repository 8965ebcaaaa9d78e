from abc import ABC, abstractmethod
from typing import ClassVar

from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.rank_pool import RankPool


class BaseDenoiser(ABC):
    """One level: a pure function of (table, features, labels, seed).

    A level may pool rows (identity -1) and merge, split or reassign
    identities. It never reorders rows and never changes its inputs. Register
    your own in ``DENOISERS`` and name it in the pipeline of a config.

    Attributes:
        calibrated: Arguments that may be ``'auto'`` in a config, and the
            field of ``Calibration`` that each then gets.
        calibrates_itself: Arguments that may be ``'auto'`` because the level
            finds their values itself, on the labels that it gets. They, and
            what they were found on, go into ``report['calibration']``.
        ranks: How a level may share its work among ranks and keep what is
            finished; the pipeline sets it. Results must not depend on it.
    """

    calibrated: ClassVar[dict[str, str]] = {
        'sigma': 'sigma',
        'delta': 'delta',
        'max_spread': 'sigma',
    }
    calibrates_itself: ClassVar[tuple[str, ...]] = ()
    ranks = RankPool()  # of a level on its own: one process, nothing kept

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
