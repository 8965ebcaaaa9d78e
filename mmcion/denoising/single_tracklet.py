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
        min_split: Fewest dropped images of a tracklet that become an identity
            of their own if they agree with each other: the tracker has
            switched to another person (ours). None never splits.
    """

    def __init__(
        self,
        sigma: float,
        min_images: int = 2,
        leave_one_out: bool = False,
        min_split: int | None = None,
    ) -> None:
        check_interval('(0, 2]', sigma=sigma)
        check_at_least(1, min_images=min_images)
        check_choice('leave_one_out', leave_one_out, (True, False))
        self.sigma = float(sigma)  # what compiled functions take
        self.min_images = min_images
        if min_split is not None:
            check_at_least(2, min_split=min_split)
        self.leave_one_out = leave_one_out
        self.min_split = min_split

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels in which every identity is consistent."""
        groups = Csr.from_identity(labels.identity)  # K lists of rows
        owner = labels.identity[groups.values]
        # (n,) of the assigned rows, in the order of groups.values
        keep = self._consistent(features, groups)
        num_left = np.bincount(owner[keep], minlength=len(groups.sizes))
        too_small = num_left < self.min_images  # (K,)
        keep &= ~too_small[owner]
        identity = labels.identity.astype(np.int32)
        identity[groups.values[~keep]] = UNASSIGNED
        report = {}
        if self.min_split is not None:
            dropped, of = groups.values[~keep], owner[~keep]
            report['split_identities'] = self._split(
                features, dropped, of, identity
            )
        report |= {
            'removed_images': int(
                (identity[groups.values] == UNASSIGNED).sum()
            ),
            'dissolved_identities': int(too_small[groups.sizes > 0].sum()),
        }
        return IdentityLabels(identity, report).contiguous()

    def _consistent(self, features: FeatureStore, groups: Csr) -> np.ndarray:
        """Return which of ``groups.values`` stay."""

        def clean(first: int, last: int) -> dict[str, np.ndarray]:
            rows = groups.slice(first, last)
            feats = features[rows.values]  # (n, D), identity after identity
            keep = consistent_groups(
                feats, rows.ptr, self.sigma, self.leave_one_out
            )
            return {'keep': keep}

        done = map_groups(self.ranks, 'consistency', clean, groups.ptr)
        return done['keep']

    def _split(
        self,
        features: FeatureStore,
        dropped: np.ndarray,
        owner: np.ndarray,
        identity: np.ndarray,
    ) -> int:
        """Give dropped rows that agree with each other a new identity.

        Args:
            features: One row per image.
            dropped: ``(m,)`` rows, those of an identity in order of time.
            owner: ``(m,)`` identities they were dropped from.
            identity: ``(N,)`` identities; changed.

        Returns:
            Number of new identities.
        """
        assert self.min_split is not None
        num, new = int(identity.max(initial=-1)) + 1, 0
        # until what is left of every identity is too few or disagrees
        while True:
            groups = Csr.from_keys(
                owner, dropped, int(owner.max(initial=-1)) + 1
            )
            large = np.flatnonzero(groups.sizes >= self.min_split)
            groups = groups.take(large)
            keep = self._consistent(features, groups)
            index = np.repeat(np.arange(len(large)), groups.sizes)
            agree = np.bincount(index[keep], minlength=len(large))
            found = agree >= self.min_split
            keep &= found[index]
            if not keep.any():
                return new
            number = num + new + np.cumsum(found) - 1
            rows = groups.values[keep]
            identity[rows] = number[index[keep]]
            new += int(found.sum())
            left = identity[dropped] == UNASSIGNED
            # only identities that were split may be split again
            left &= np.isin(owner, large[found])
            dropped, owner = dropped[left], owner[left]
