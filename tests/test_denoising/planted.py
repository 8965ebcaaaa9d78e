"""Features of known identities, and plain denoising.

What is called naive or plain is the definition of a step, recomputing
everything every time: what the package must equal.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable


@dataclass
class Planted:
    table: TrackletTable
    features: FeatureStore
    pid: np.ndarray  # (N,) true identities


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def centroid(feats):
    return unit(np.asarray(feats, np.float64).sum(0))


def store(vectors, unreadable=()):
    """Return a store of the vectors' directions."""
    vectors = unit(np.asarray(vectors, np.float64))
    return FeatureStore(vectors, {'unreadable': list(unreadable)})


def angles(*degrees):
    """Return unit vectors ``(n, 2)`` at these angles."""
    radians = np.radians(degrees)
    return np.stack((np.cos(radians), np.sin(radians)), 1)


def plant(
    seed,
    *,
    videos=3,
    identities=8,
    pieces=3,
    length=12,
    dim=32,
    spread=0.35,
    drift=0.2,
    foreign=0.07,
):
    """All identities walk through every video, in tracklets that break.

    Args:
        pieces: tracklets that a walk breaks into.
        length: frames of a tracklet.
        spread: noise of an image relative to its identity.
        drift: change of an identity's look between videos.
        foreign: fraction of images of another identity, a new one each.
    """
    rng = np.random.default_rng(seed)
    looks = unit(rng.normal(size=(identities, dim)))
    rows, feats = [], []
    for video in range(videos):
        moved = unit(looks + drift * unit(rng.normal(size=looks.shape)))
        for own, step in np.ndindex(identities, pieces * length):
            tracklet = own * pieces + step // length
            pid, look = own, moved[own]
            if rng.random() < foreign:
                pid, look = identities + len(rows), unit(rng.normal(size=dim))
            rows.append((video, tracklet, step, pid))
            feats.append(look + spread * unit(rng.normal(size=dim)))
    video, tracklet, frame, pid = np.array(rows).T
    table = TrackletTable.from_columns(
        video_id=video,
        tracklet_id=tracklet,
        frame=frame,
        path=[f'{row}.jpg' for row in range(len(rows))],
    )
    return Planted(table, store(feats), pid)


def random_case(seed, rows=80, dim=6, tracklets=5, frames=12):
    """Return a random table, features and labels with a pool.

    Five identities; with more tracklets and frames in a video some have
    several tracklets there, and co-occur with fewer others.
    """
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, [3, tracklets, frames], (rows, 3))
    keys = np.unique(keys, axis=0)  # one box per tracklet and frame
    table = TrackletTable.from_columns(
        video_id=keys[:, 0], tracklet_id=keys[:, 1], frame=keys[:, 2]
    )
    looks = rng.normal(size=(5, dim))
    feats = looks[table.tracklet_index % 5] + rng.normal(
        scale=0.6, size=(len(table), dim)
    )
    identity = table.tracklet_index.copy()
    identity[rng.random(len(table)) < 0.15] = -1
    return table, store(feats), IdentityLabels(identity)


def rows_of(identity):
    """Return the rows of every identity, by its number."""
    ids = np.unique(identity[identity >= 0]).tolist()
    return {k: np.flatnonzero(identity == k) for k in ids}


def naive_consistent(feats, sigma, tie=1e-12):
    """Level 1 as it is defined, recomputing everything every round."""
    feats = np.asarray(feats, np.float64)
    rows = list(range(len(feats)))
    while rows:
        mean = feats[rows].mean(0)
        norm = np.linalg.norm(mean)
        center = mean / norm if norm > 1e-7 else np.zeros_like(mean)
        distance = 1 - feats[rows] @ center
        if distance.max() <= sigma + tie:
            break
        rows.pop(np.flatnonzero(distance >= distance.max() - tie)[-1])
    return rows


def naive_reallocate(
    table,
    feats,
    identity,
    sigma,
    max_ratio,
    exclude_cooccurring=True,
    unreadable=(),
):
    """Re-allocation as it is defined, row by row; return new identities."""
    feats = np.asarray(feats, np.float64)
    same_video = table.video_id[:, None] == table.video_id
    same_frame = same_video & (table.frame[:, None] == table.frame)
    same_frame &= exclude_cooccurring
    members = rows_of(identity)
    proposals = []
    for row in np.flatnonzero(identity < 0).tolist():
        options = sorted(
            (1 - feats[row] @ centroid(feats[rows]), k)
            for k, rows in members.items()
            if same_video[row, rows].any() and not same_frame[row, rows].any()
        )
        if row in unreadable or not options:
            continue
        second = options[1][0] if len(options) > 1 else np.inf
        distance, k = options[0]
        if distance <= sigma and distance <= max_ratio * second:
            proposals.append((distance, row, k))
    result = identity.copy()
    for _, row, k in sorted(proposals):
        rows = np.append(np.flatnonzero(result == k), row)
        apart = not same_frame[row, rows[:-1]].any()
        center = centroid(feats[rows])
        if apart and (1 - feats[rows] @ center).max() <= sigma + 1e-12:
            result[row] = k
    return result


class PlainUnionFind:
    """The same guards, everything recomputed for every link."""

    def __init__(self, sums, cooccurring, max_spread):
        self.sums, self.max_spread = sums, max_spread
        pairs = list(
            zip(*(side.tolist() for side in cooccurring), strict=True)
        )
        self.cooccurring = {*pairs, *((b, a) for a, b in pairs)}
        self.groups = [{k} for k in range(len(sums))]
        self.refused_spread = self.refused_cooccurring = 0

    def join(self, first, second):
        a = next(group for group in self.groups if first in group)
        b = next(group for group in self.groups if second in group)
        if a is b:
            return False
        if any((x, y) in self.cooccurring for x in a for y in b):
            self.refused_cooccurring += 1
            return False
        center = centroid(self.sums[sorted(a | b)])
        if max(1 - unit(self.sums[k]) @ center for k in a | b) > (
            self.max_spread
        ):
            self.refused_spread += 1
            return False
        self.groups = [g for g in self.groups if g is not a and g is not b]
        self.groups.append(a | b)
        return True


def naive_links(table, feats, members, delta, half_width):
    """Return pairs of identities in range, nearest first."""
    centers = [centroid(feats[rows]) for rows in members.values()]
    video = [table.video_id[rows[0]] for rows in members.values()]
    count = len(members)
    return sorted(
        (1 - centers[a] @ centers[b], a, b)
        for a, b in itertools.combinations(range(count), 2)
        if 1 - centers[a] @ centers[b] < delta
        and video[a] != video[b]
        and (half_width is None or b - a <= half_width)
    )


def naive_cross_video(
    table,
    features,
    labels,
    *,
    delta,
    max_spread,
    sigma,
    half_width=None,
    max_ratio=0.64,
    min_images=2,
    exclude_cooccurring=True,
):
    """Level 3 as it is defined."""
    feats = features[0 : len(table)].astype(np.float64)
    identity = labels.contiguous().identity
    members = rows_of(identity)
    sums = np.array([feats[rows].sum(0) for rows in members.values()])
    frames = [
        set(zip(table.video_id[own], table.frame[own], strict=True))
        for own in members.values()
    ]
    cooccurring = [
        (a, b)
        for a, b in itertools.combinations(members, 2)
        if exclude_cooccurring and frames[a] & frames[b]
    ]
    cooccurring = np.array(cooccurring, int).reshape(-1, 2).T
    union = PlainUnionFind(sums, cooccurring, max_spread)
    links = naive_links(table, feats, members, delta, half_width)
    merges = sum(union.join(a, b) for _, a, b in links)
    merged = np.full(len(table), -1, np.int32)
    for number, group in enumerate(union.groups):
        rows = np.flatnonzero(np.isin(identity, list(group)))
        kept = rows[naive_consistent(feats[rows], sigma)]
        if len(kept) >= min_images:
            merged[kept] = number
    found = naive_reallocate(
        *(table, feats, merged, sigma, max_ratio, exclude_cooccurring),
        unreadable=features.unreadable,
    )
    report = {
        'links': len(links),
        'merges': merges,
        'refused_spread': union.refused_spread,
        'refused_cooccurring': union.refused_cooccurring,
        'removed_images': int(((merged < 0) & (identity >= 0)).sum()),
        'reallocated_images': int((found != merged).sum()),
    }
    return IdentityLabels(found, report).contiguous()


def doubled_in_a_frame(table, identity):
    """Return identities that own two boxes of one frame of one video."""
    keys = np.stack((identity, table.video_id, table.frame))[:, identity >= 0]
    found, counts = np.unique(keys, axis=1, return_counts=True)
    return found[0, counts > 1].tolist()


def assert_valid(table, before, after):
    """Check what holds for every level: row order, ids, pure inputs."""
    assert after.identity.shape == (len(table),)
    assert after.identity.dtype == np.int32
    found = np.unique(after.identity[after.keep])
    assert found.tolist() == list(range(len(found)))
    firsts = [np.flatnonzero(after.identity == k)[0] for k in found]
    assert firsts == sorted(firsts)
    assert after.identity is not before.identity
