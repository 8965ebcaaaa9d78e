import heapq
from itertools import pairwise

import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_interval,
)

from .base_denoiser import BaseDenoiser
from .grouped_rows import map_groups
from .identity_groups import IdentityGroups


@DENOISERS.register_module()
class SingleVideoDenoiser(BaseDenoiser):
    """Level 2: re-allocate pooled images and merge identities in each video.

    Source: CION, short-range single-video denoising; the order of steps, the
    co-occurrence rule and ``max_loss`` are ours.

    Args:
        sigma: Largest distance of an image to its identity's centroid.
        delta: Identities nearer than this are one identity.
        exclude_cooccurring: Whether two boxes in one frame are two
            identities.
        max_loss: Largest fraction of the smaller identity's images that a
            merge may lose; others are refused.
        max_ratio: A pooled image is proposed only if its nearest identity is
            at most this times as far as its second nearest (ours). Lowe's
            ratio test (IJCV 2004): 0.8 between Euclidean distances is 0.64
            between cosine distances.
        max_rounds: Most rounds of re-allocating and merging.
        min_shared_frames: Identities that share fewer frames may be one
            (ours): where a track is handed over, or by a foreign image, one
            person may have two boxes. Of these the nearer one stays.
    """

    def __init__(
        self,
        sigma: float,
        delta: float,
        exclude_cooccurring: bool = True,
        max_loss: float = 0.5,
        max_ratio: float = 0.64,
        max_rounds: int = 10,
        min_shared_frames: int = 1,
    ) -> None:
        check_interval('(0, 2]', sigma=sigma, delta=delta)
        check_interval('[0, 1]', max_loss=max_loss, max_ratio=max_ratio)
        check_at_least(1, max_rounds=max_rounds)
        check_at_least(1, min_shared_frames=min_shared_frames)
        check_choice('exclude_cooccurring', exclude_cooccurring, (True, False))
        self.sigma = float(sigma)  # what compiled functions take
        self.delta = delta
        self.exclude_cooccurring = exclude_cooccurring
        self.max_loss = max_loss
        self.max_ratio = max_ratio
        self.max_rounds = max_rounds
        self.min_shared_frames = min_shared_frames

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels whose identities lie within one video each.

        Raises:
            UserError: If an identity spans videos.
        """
        identity = labels.contiguous().identity
        # Identities are numbered by their first row, so those that begin in
        # video v or later are at least first_id[v], (V,).
        largest = np.append(-1, np.maximum.accumulate(identity))  # (N + 1,)
        first_id = largest[table.video_ptr[:-1]] + 1
        spanning = (identity >= 0) & (identity < first_id[table.video_id])
        if spanning.any():
            raise UserError(
                f'{spanning.sum()} rows belong to identities that begin in '
                f'another video; put SingleVideoDenoiser before '
                f'CrossVideoDenoiser.'
            )
        has_feature = np.ones(len(table), bool)
        has_feature[features.unreadable] = False

        def denoise_videos(first: int, last: int) -> dict[str, np.ndarray]:
            ptr = table.video_ptr[first : last + 1]
            feats = features[int(ptr[0]) : int(ptr[-1])]  # read at once
            found, counts = [identity[:0]], np.zeros(3, np.int64)
            for video, (start, stop) in enumerate(pairwise(ptr), first):
                groups = IdentityGroups(
                    feats[start - ptr[0] : stop - ptr[0]],
                    table.frame[start:stop],
                    # 0..K-1 within the video; pooled rows stay at -1
                    np.maximum(identity[start:stop] - first_id[video], -1),
                    self.exclude_cooccurring,
                    has_feature[start:stop],
                    self.min_shared_frames,
                )
                counts[:2] += self._denoise(groups)
                tracklet = table.tracklet_index[start:stop]
                counts[2] += groups.drop_doubles(tracklet)
                local = groups.identity
                whole = np.where(local < 0, local, local + first_id[video])
                found.append(whole)
            return {'identity': np.concatenate(found), 'counts': counts[None]}

        videos = table.video_ptr
        done = map_groups(self.ranks, 'videos', denoise_videos, videos)
        # (chunks, 3) -> (3,)
        moved, merges, doubled = done['counts'].sum(0).tolist()
        report = {'reallocated_images': moved, 'merges': merges}
        if self.min_shared_frames > 1:
            report['doubled_images'] = doubled
        return IdentityLabels(done['identity'], report).contiguous()

    def _denoise(self, groups: IdentityGroups) -> np.ndarray:
        """Change the groups of one video; return images moved and merges."""
        counts = np.zeros(2, np.int64)
        for _ in range(self.max_rounds):
            moved = groups.reallocate(self.sigma, self.max_ratio)
            merges = self._merge(groups)
            counts += moved, merges
            if not moved and not merges:
                break
        return counts

    def _merge(self, groups: IdentityGroups) -> int:
        """Merge the closest pair until none is left; return the merges."""
        # Pairs whose identities have changed since they were put into the
        # queue are stale: a version counts the changes, -1 is merged away.
        version = [0] * groups.num
        queue = [(pair, 0, 0) for pair in groups.near_pairs(self.delta)]
        heapq.heapify(queue)
        merges = 0
        while queue:
            (_, a, b), version_a, version_b = heapq.heappop(queue)
            if (version[a], version[b]) != (version_a, version_b):
                continue
            kept, loss = groups.union(a, b, self.sigma)
            if loss > self.max_loss:
                continue
            groups.set_rows(b, kept[:0])
            groups.set_rows(a, kept)
            merges += 1
            version[b], version[a] = -1, version[a] + 1
            for pair in groups.near_pairs(self.delta, a):
                _, one, other = pair
                heapq.heappush(queue, (pair, version[one], version[other]))
        return merges
