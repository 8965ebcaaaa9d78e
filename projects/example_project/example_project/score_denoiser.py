"""ScoreDenoiser: pool images with a low detection score."""

import numpy as np

from mmcion.denoising import BaseDenoiser
from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)
from mmcion.utils.checks import UserError, check_interval


@DENOISERS.register_module()
class ScoreDenoiser(BaseDenoiser):
    """Pool every image with a detection score below ``min_score``.

    Args:
        min_score: Smallest score that is kept, in [0, 1].
    """

    def __init__(self, min_score: float) -> None:
        check_interval('[0, 1]', min_score=min_score)
        self.min_score = min_score

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels without the images of low scores.

        Raises:
            UserError: If the table has no scores.
        """
        if table.score is None:
            raise UserError('ScoreDenoiser needs a table with scores.')
        low = table.score < self.min_score  # (N,)
        identity = np.where(low, UNASSIGNED, labels.identity)
        report = {'removed_images': int((low & labels.keep).sum())}
        return IdentityLabels(identity.astype(np.int32), report).contiguous()
