import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    Csr,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)
from mmcion.utils.checks import (
    check_at_least,
    check_choice,
    check_interval,
)

from .base_denoiser import BaseDenoiser
from .functional import consistent_groups
from .grouped_rows import map_groups


@DENOISERS.register_module()
class SingleTrackletDenoiser(BaseDenoiser):
    """Level 1: drop images that disagree with the rest of their tracklet.

    Source: CION, single-tracklet denoising (Eq. 4), with
    ``leave_one_out=True`` and ``min_images=1``: repeatedly, the image
    farthest from the centroid of the others goes, while its distance is at
    least ``sigma``. By default (ours) the centroid is that of all images, and
    an image at exactly ``sigma`` stays. Of images equally far the later one
    goes; the last image of a tracklet stays (both ours).

    Args:
        sigma: Largest distance to the centroid, in (0, 2].
        min_images: An identity left with fewer images is dissolved (ours).
        leave_one_out: Whether an image is left out of the centroid that it
            is compared with.
    """

    def __init__(
        self, sigma: float, min_images: int = 2, leave_one_out: bool = False
    ) -> None:
        check_interval('(0, 2]', sigma=sigma)
        check_at_least(1, min_images=min_images)
        check_choice('leave_one_out', leave_one_out, (True, False))
        self.sigma = float(sigma)  # what compiled functions take
        self.min_images = min_images
        self.leave_one_out = leave_one_out

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels in which every identity is consistent."""
        groups = Csr.from_identity(labels.identity)  # K lists of rows

        def clean(first: int, last: int) -> dict[str, np.ndarray]:
            rows = groups.slice(first, last)
            feats = features[rows.values]  # (n, D), identity after identity
            keep = consistent_groups(
                feats, rows.ptr, self.sigma, self.leave_one_out
            )
            return {'keep': keep}

        # (n,) of the assigned rows, in the order of groups.values
        keep = map_groups(self.ranks, 'consistency', clean, groups.ptr)['keep']
        owner = labels.identity[groups.values]
        num_left = np.bincount(owner[keep], minlength=len(groups.sizes))
        too_small = num_left < self.min_images  # (K,)
        keep &= ~too_small[owner]
        identity = labels.identity.astype(np.int32)
        identity[groups.values[~keep]] = UNASSIGNED
        report = {
            'removed_images': int((~keep).sum()),
            'dissolved_identities': int(too_small[groups.sizes > 0].sum()),
        }
        return IdentityLabels(identity, report).contiguous()
