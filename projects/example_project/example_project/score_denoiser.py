"""ScoreDenoiser: pool images that the detector was unsure of."""

import numpy as np

from mmcion.denoising import BaseDenoiser
from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)


@DENOISERS.register_module()
class ScoreDenoiser(BaseDenoiser):
    """Pool every image with a detection score below ``min_score``.

    Args:
        min_score: in [0, 1].
    """

    def __init__(self, min_score: float) -> None:
        if not 0 <= min_score <= 1:
            raise ValueError(f'min_score must lie in [0, 1]; got {min_score}')
        self.min_score = min_score

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels without the doubtful images.

        Raises:
            ValueError: if the table has no scores.
        """
        if table.score is None:
            raise ValueError('ScoreDenoiser needs a table with scores.')
        doubtful = table.score < self.min_score
        identity = np.where(doubtful, UNASSIGNED, labels.identity)
        report = {'removed_images': int((doubtful & labels.keep).sum())}
        return IdentityLabels(identity.astype(np.int32), report).contiguous()
