"""NoiseModel: tracklets of known people, with the faults that real ones have.

For tests and benchmarks, where the truth must be known (all of it ours).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.structures import FeatureStore, TrackletTable

from .functional import normalise

_BLOCK = 1 << 15


@dataclass(frozen=True)
class Simulation:
    """What a noise model makes.

    Attributes:
        table: the images.
        features: one row each.
        pid: ``(N,)`` int64, who is really seen; clutter has a number of its
            own in every image.
    """

    table: TrackletTable
    features: FeatureStore
    pid: np.ndarray


@dataclass(frozen=True)
class NoiseModel:
    """People walk through videos; tracker and camera make mistakes.

    A feature is ``look + camera shift + drift + image noise``, at unit
    length. Lengths below are relative to the look's, which is 1.

    Attributes:
        videos: number of videos.
        visits: walks through each video.
        images: mean images of a walk; single walks vary by half of it.
        duration: frames of a video; the shorter, the more people meet.
        videos_per_person: mean over people; geometric, so that most people
            are seen in few videos.
        dim: dimensions of a feature.
        look_dim: dimensions in which people differ. The fewer, the more
            people resemble each other.
        camera_shift: length of what all images of one video share.
        drift: length of a person's change between two videos.
        image_noise: mean length of the noise of one image.
        noise_spread: standard deviation of the logarithm of that length.
        fragmentation: probability that a track breaks before an image.
        switches: share of tracklets that exchange their further images with
            a tracklet in the same frame.
        foreign: share of images that show another person of the video.
        clutter: share of images that show nobody.
    """

    videos: int = 20
    visits: int = 12
    images: int = 42
    duration: int = 200
    videos_per_person: float = 1.75
    dim: int = 256
    look_dim: int = 64
    camera_shift: float = 0.25
    drift: float = 0.3
    image_noise: float = 0.5
    noise_spread: float = 0.25
    fragmentation: float = 0.02
    switches: float = 0.02
    foreign: float = 0.02
    clutter: float = 0.02

    def simulate(
        self, seed: int, *, folder: str | Path | None = None
    ) -> Simulation:
        """Make tracklets; equal arguments give equal results.

        Args:
            seed: of everything random.
            folder: write the features there as a store that is mapped, for
                sizes beyond memory.
        """
        rng = np.random.default_rng(seed)
        person = self._people(rng)
        video, track, frame, visit = self._walks(rng)
        track = self._exchange(rng, video, track, frame)
        order = TrackletTable.sort_order(video, track, frame)
        video, visit = video[order], visit[order]
        table = TrackletTable.from_columns(
            video_id=video, tracklet_id=track[order], frame=frame[order]
        )
        # shown = visit whose person the image shows, -1 = clutter
        shown = self._misplace(rng, video, visit)
        people = int(person.max()) + 1
        pid = np.where(
            shown < 0, people + np.arange(len(shown)), person[shown]
        )
        features = self._features(rng, person, shown, video, folder)
        return Simulation(table, features, pid)

    def _people(self, rng: np.random.Generator) -> np.ndarray:
        """Return the person of every visit ``(V * visits,)``.

        A person visits consecutive videos, none of them twice.
        """
        total = self.videos * self.visits
        mean = min(self.videos_per_person, self.videos)
        times = np.minimum(rng.geometric(1 / mean, total), self.videos)
        person = np.repeat(np.arange(total), times)[:total]
        # dealt out one per video, round after round
        return person.reshape(self.visits, self.videos).T.ravel()

    def _walks(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Return video, track, frame and visit of every image."""
        total = self.videos * self.visits
        length = rng.integers(
            max(self.images // 2, 1), self.images * 3 // 2 + 1, total
        )
        start = rng.integers(0, max(self.duration, 1), total)
        visit = np.repeat(np.arange(total), length)
        first = np.concatenate(([0], np.cumsum(length)[:-1]))
        frame = np.arange(len(visit)) - first[visit] + start[visit]
        new = rng.random(len(visit)) < self.fragmentation
        new[first] = True
        track = np.cumsum(new) - 1
        return visit // self.visits, track, frame, visit

    def _exchange(
        self,
        rng: np.random.Generator,
        video: np.ndarray,
        track: np.ndarray,
        frame: np.ndarray,
    ) -> np.ndarray:
        """Return the tracks after identity switches."""
        first = np.flatnonzero(np.diff(track, prepend=-1))
        last = np.append(first[1:], len(track)) - 1
        enters, leaves = frame[first], frame[last]
        # tracks and rows of a video are neighbours
        videos = np.arange(self.videos + 1)
        track_ptr = np.searchsorted(video[first], videos)
        row_ptr = np.searchsorted(video, videos)
        result = track.copy()
        count = round(self.switches * len(first) / 2)
        for a in rng.permutation(len(first))[:count]:
            here = video[first[a]]
            others = np.arange(track_ptr[here], track_ptr[here + 1])
            others = others[
                (others != a)
                & (enters[others] < leaves[a])
                & (leaves[others] > enters[a])
            ]
            if not len(others):
                continue
            b = rng.choice(others)
            moment = rng.integers(
                max(enters[a], enters[b]), min(leaves[a], leaves[b]) + 1
            )
            rows = slice(row_ptr[here], row_ptr[here + 1])
            now = result[rows]
            later = frame[rows] >= moment
            ours, theirs = (now == a) & later, (now == b) & later
            now[ours], now[theirs] = b, a
        return result

    def _misplace(
        self, rng: np.random.Generator, video: np.ndarray, visit: np.ndarray
    ) -> np.ndarray:
        """Return whom every image shows, as a visit; -1 = nobody."""
        what = rng.random(len(visit))
        step = rng.integers(1, max(self.visits, 2), len(visit))
        other = video * self.visits + (visit + step) % self.visits
        shown = np.where(what < self.foreign, other, visit)
        clutter = (what >= self.foreign) & (what < self.foreign + self.clutter)
        return np.where(clutter, -1, shown)

    def _features(
        self,
        rng: np.random.Generator,
        person: np.ndarray,
        shown: np.ndarray,
        video: np.ndarray,
        folder: str | Path | None,
    ) -> FeatureStore:
        basis = rng.normal(size=(self.look_dim, self.dim))
        looks = _directions(rng, int(person.max()) + 1, basis)
        mean = looks[person]
        mean += self.drift * _directions(rng, len(person), basis)
        shift = self.camera_shift * _directions(rng, self.videos, basis)
        shape, meta = (len(shown), self.dim), {'extractor': 'NoiseModel'}
        out = (
            np.empty(shape, np.float16)
            if folder is None
            else FeatureStore.create(folder, shape)
        )
        scale = self.image_noise / np.sqrt(self.dim)
        for start in range(0, len(shown), _BLOCK):
            part = slice(start, start + _BLOCK)
            who = shown[part]
            block = np.where(
                (who < 0)[:, None],
                _directions(rng, len(who), basis),
                mean[who],
            )
            block += shift[video[part]]
            length = scale * rng.lognormal(
                -(self.noise_spread**2) / 2, self.noise_spread, (len(who), 1)
            )
            noise = rng.standard_normal(block.shape, np.float32)
            out[part] = normalise(block + length * noise)
        if folder is None:
            return FeatureStore(out, meta)
        FeatureStore.finish(folder, meta)
        return FeatureStore.open(folder)


def _directions(
    rng: np.random.Generator, count: int, basis: np.ndarray
) -> np.ndarray:
    """Return random unit vectors in the span of ``basis``."""
    weights = rng.normal(size=(count, len(basis)))
    return normalise(weights @ basis).astype(np.float32)
