"""Features of people whose identities are known, with planted noise."""

from dataclasses import dataclass

import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable


@dataclass
class Planted:
    table: TrackletTable
    features: FeatureStore
    pid: np.ndarray  # (N,) who is really seen


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def centroid(feats):
    return unit(np.asarray(feats, np.float64).sum(0))


def store(vectors):
    return FeatureStore(unit(np.asarray(vectors, np.float64)))


def plant(
    seed,
    *,
    videos=3,
    people=8,
    pieces=3,
    length=12,
    dim=32,
    spread=0.35,
    drift=0.2,
    foreign=0.07,
):
    """Everybody walks through every video, in tracklets that break.

    Args:
        pieces: tracklets that a walk breaks into.
        length: frames of a tracklet.
        spread: noise of an image relative to its person.
        drift: change of a person's look between videos.
        foreign: share of images that show a stranger, a new one each time.
    """
    rng = np.random.default_rng(seed)
    looks = unit(rng.normal(size=(people, dim)))
    rows, feats = [], []
    for video in range(videos):
        moved = unit(looks + drift * unit(rng.normal(size=looks.shape)))
        for person, step in np.ndindex(people, pieces * length):
            tracklet = person * pieces + step // length
            pid, look = person, moved[person]
            if rng.random() < foreign:
                pid, look = people + len(rows), unit(rng.normal(size=dim))
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


def random_case(seed, rows=80, dim=6):
    """Return a random table, features and labels with a pool."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, [3, 5, 12], (rows, 3))
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


def people_in_two_places(table, identity):
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
