"""The paper's identity correlation, in plain loops over its equations.

Everything is recomputed every time, in float64: what the package must equal.
Distances that differ by less than ``TIE`` count as equal.
"""

import itertools
from dataclasses import dataclass

import numpy as np

TIE = 1e-12


@dataclass
class Level:
    """Arguments of a ``ClosureDenoiser``."""

    delta: float
    sigma: float | None = None
    within_video: bool = False
    half_width: int | None = None

    def in_range(self, place, other, video, other_video):
        near = self.half_width is None or abs(place - other) <= self.half_width
        return near and (video == other_video or not self.within_video)


def distance(x, y):
    norm = np.linalg.norm(x) * np.linalg.norm(y)
    return 1 - x @ y / norm if norm > 1e-9 else 1.0


def plain_single_tracklet(feats, sigma):
    """Eq. 4: return the rows that stay, and those that go."""
    rows, excluded = list(range(len(feats))), []
    while len(rows) > 1:
        far = [
            distance(feats[i], np.mean([feats[j] for j in rows if j != i], 0))
            for i in rows
        ]
        if max(far) < sigma - TIE:
            break
        ties = [
            i for i, d in zip(rows, far, strict=True) if d > max(far) - TIE
        ]
        rows.remove(ties[-1])
        excluded.append(ties[-1])
    return rows, excluded


def plain_closure(num, links):
    """Return sets of members, in the order of their first."""
    groups = [{k} for k in range(num)]
    for a, b in links:
        one = next(group for group in groups if a in group)
        other = next(group for group in groups if b in group)
        if one is not other:
            groups = [g for g in groups if g is not one and g is not other]
            groups.append(one | other)
    return sorted(groups, key=min)


def plain_level(feats, identities, pool, level):
    """Run a level (Eq. 5 to 7) on lists of identities.

    Args:
        feats: ``(N, D)``.
        identities: Dicts of ``rows``, ``video`` and ``tracklet``, in order.
        pool: Tuples of row, video and tracklet.

    Returns:
        The same after the level, and its report.
    """
    report = {}
    moved = {}
    if level.sigma is not None:
        centers = [feats[one['rows']].mean(0) for one in identities]
        for row, video, tracklet in pool:
            place = next(
                k
                for k, one in enumerate(identities)
                if tracklet in one['tracklets']
            )
            best, nearest = np.inf, None
            for k, one in enumerate(identities):
                if tracklet in one['tracklets'] or not level.in_range(
                    place, k, video, one['video']
                ):
                    continue
                away = distance(feats[row], centers[k])
                if away < best - TIE:
                    best, nearest = away, k
            if best < level.sigma - TIE:
                moved[row] = nearest
        report['reallocated_images'] = len(moved)
        for row, k in moved.items():
            identities[k]['rows'] = sorted([*identities[k]['rows'], row])
    centers = [feats[one['rows']].mean(0) for one in identities]
    links = [
        (a, b)
        for a, b in itertools.combinations(range(len(identities)), 2)
        if level.in_range(a, b, identities[a]['video'], identities[b]['video'])
        and distance(centers[a], centers[b]) < level.delta - TIE
    ]
    groups = plain_closure(len(identities), links)
    report['links'] = len(links)
    report['merges'] = len(identities) - len(groups)
    joined = [
        {
            'rows': sorted(r for k in group for r in identities[k]['rows']),
            'video': identities[min(group)]['video'],
            'tracklets': set().union(
                *(identities[k]['tracklets'] for k in group)
            ),
        }
        for group in groups
    ]
    return joined, [one for one in pool if one[0] not in moved], report


def plain_cion(table, feats, sigma, levels, unreadable=()):
    """Run single-tracklet denoising, then levels.

    Returns:
        Identity ``(N,)`` after single-tracklet denoising and after every
        level, and the reports of the levels.
    """
    feats = np.asarray(feats, np.float64)
    identities, pool, found, reports = [], [], [], []
    for tracklet, (start, stop) in enumerate(
        itertools.pairwise(table.tracklet_ptr.tolist())
    ):
        rows = [row for row in range(start, stop) if row not in unreadable]
        video = int(table.video_id[start])
        kept, excluded = plain_single_tracklet(feats[rows], sigma)
        if kept:
            identities.append(
                {
                    'rows': [rows[i] for i in kept],
                    'video': video,
                    'tracklets': {tracklet},
                }
            )
        pool += [(rows[i], video, tracklet) for i in sorted(excluded)]
    for level in [None, *levels]:
        if level is not None:
            identities, pool, report = plain_level(
                feats, identities, pool, level
            )
            reports.append(report)
        identity = np.full(len(table), -1)
        for k, one in enumerate(identities):
            identity[one['rows']] = k
        found.append(identity)
    return found, reports
