"""Level 2, short-range single-video denoising."""

from __future__ import annotations

import heapq
from itertools import pairwise

import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)

from .base_denoiser import (
    BaseDenoiser,
    check_count,
    check_flag,
    check_share,
    check_threshold,
)
from .grouped_rows import cut
from .identity_groups import IdentityGroups


@DENOISERS.register_module()
class SingleVideoDenoiser(BaseDenoiser):
    """Re-allocate pooled images and merge identities within each video.

    Source: CION, short-range single-video denoising; the order of steps, the
    co-occurrence rule and ``max_loss`` are ours.

    Args:
        sigma: largest distance of an image to its identity's centroid.
        delta: identities nearer than this are one person.
        exclude_cooccurring: two boxes in one frame are two people.
        max_loss: a merge that would lose more than this share of the
            smaller identity's images is refused.
        max_ratio: a pooled image is given away only if its nearest identity
            is at most this times as far as its second nearest (ours). Lowe's
            ratio test (IJCV 2004): 0.8 between Euclidean distances is 0.64
            between cosine distances.
        max_rounds: most rounds of re-allocating and merging.
    """

    def __init__(
        self,
        sigma: float,
        delta: float,
        exclude_cooccurring: bool = True,
        max_loss: float = 0.5,
        max_ratio: float = 0.64,
        max_rounds: int = 10,
    ) -> None:
        self.sigma = check_threshold('sigma', sigma)
        self.delta = check_threshold('delta', delta)
        self.exclude_cooccurring = check_flag(
            'exclude_cooccurring', exclude_cooccurring
        )
        self.max_loss = check_share('max_loss', max_loss)
        self.max_ratio = check_share('max_ratio', max_ratio)
        self.max_rounds = check_count('max_rounds', max_rounds)

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels whose identities lie within one video each.

        Raises:
            ValueError: if an identity spans videos.
        """
        _check_single_video(table, labels.identity)
        usable = np.ones(len(table), bool)
        usable[features.unreadable] = False

        def one(part: tuple[int, int]) -> dict[str, np.ndarray]:
            ptr = table.video_ptr[part[0] : part[1] + 1]
            first = int(ptr[0])
            feats = features[first : int(ptr[-1])]
            found, counts = [], np.zeros(2, np.int64)
            for start, stop in pairwise(ptr):
                rows = slice(int(start), int(stop))
                groups = IdentityGroups(
                    feats[start - first : stop - first],
                    table.frame[rows],
                    _from_zero(labels.identity[rows]),
                    self.exclude_cooccurring,
                    usable[rows],
                )
                counts += self._denoise(groups)
                # ids of a video begin at its own first row
                new = groups.identity
                found.append(np.where(new < 0, UNASSIGNED, new + start))
            return {'identity': np.concatenate(found), 'counts': counts}

        parts = cut(table.video_ptr)
        sizes = [table.video_ptr[b] - table.video_ptr[a] for a, b in parts]
        done = self.shards.map('videos', one, parts, sizes=sizes)
        identity = np.concatenate(
            [np.zeros(0, np.int64), *(part['identity'] for part in done)]
        )
        moved, merges = sum(
            (part['counts'] for part in done), start=np.zeros(2, np.int64)
        )
        report = {'reallocated_images': int(moved), 'merges': int(merges)}
        return IdentityLabels(identity, report).contiguous()

    def _denoise(self, groups: IdentityGroups) -> np.ndarray:
        """Change the groups of one video; return images moved and merges."""
        counts = np.zeros(2, np.int64)
        for _ in range(self.max_rounds):
            moved = groups.reallocate(self.sigma, self.max_ratio)
            merged = self._merge(groups)
            counts += moved, merged
            if not moved and not merged:
                break
        return counts

    def _merge(self, groups: IdentityGroups) -> int:
        """Merge the closest pair until none is left; return the merges."""
        state = [0] * groups.num  # grows when an identity changes, -1 = gone
        queue = [(pair, 0, 0) for pair in groups.near_pairs(self.delta)]
        heapq.heapify(queue)
        merges = 0
        while queue:
            (_, a, b), state_a, state_b = heapq.heappop(queue)
            if (state[a], state[b]) != (state_a, state_b):
                continue
            kept, lost = groups.union(a, b, self.sigma)
            if lost > self.max_loss:
                continue
            groups.set_rows(b, kept[:0])
            groups.set_rows(a, kept)
            merges += 1
            state[b], state[a] = -1, state[a] + 1
            for pair in groups.near_pairs_of(a, self.delta):
                heapq.heappush(queue, (pair, state[pair[1]], state[pair[2]]))
        return merges


def _from_zero(identity: np.ndarray) -> np.ndarray:
    """Number identities 0..K-1 by their first row; -1 stays."""
    return IdentityLabels(identity).contiguous().identity


def _check_single_video(table: TrackletTable, identity: np.ndarray) -> None:
    keep = identity >= 0
    first = np.full(int(identity.max(initial=-1)) + 1, -1)
    first[identity[keep][::-1]] = table.video_id[keep][::-1]
    spans = first[identity[keep]] != table.video_id[keep]
    if spans.any():
        raise ValueError(
            f'{int(spans.sum())} rows belong to identities that begin in '
            f'another video, and SingleVideoDenoiser works within videos: '
            f'put it before CrossVideoDenoiser.'
        )
