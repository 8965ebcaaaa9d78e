"""NoiseModel: tracklets of known identities, with realistic faults (ours)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.structures import FeatureStore, TrackletTable

_BLOCK = 1 << 15  # rows whose features are made at a time


@dataclass(frozen=True)
class Simulation:
    """What a noise model makes.

    Attributes:
        table: N images.
        features: One row per image.
        pid: ``(N,)`` int64, true identity of every image; clutter has a
            number of its own in every image.
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
        videos: Number of videos.
        visits: Walks through each video.
        images: Mean number of images of a walk; single walks vary by half of
            it.
        duration: Frames of a video; the shorter, the more identities
            co-occur.
        videos_per_person: Mean over identities; geometric, so that most are
            seen in few videos.
        dim: Dimensions of a feature.
        look_dim: Dimensions in which identities differ. The fewer, the more
            they resemble each other.
        camera_shift: Length of what all images of one video share.
        drift: Length of an identity's change between two videos.
        image_noise: Mean length of the noise of one image.
        noise_spread: Standard deviation of the logarithm of that length.
        fragmentation: Probability that a track breaks before an image.
        switches: Fraction of tracklets that exchange their further images
            with a tracklet in the same frame.
        foreign: Fraction of images that show another identity of the video.
        clutter: Fraction of images that show nobody.
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
            seed: Seed of everything random.
            folder: The features are written there as a store that is mapped,
                for sizes beyond memory.
        """
        rng = np.random.default_rng(seed)
        # An identity visits consecutive videos, none of them twice: visits
        # are dealt out one per video, round after round.
        num_visits = self.videos * self.visits
        mean = min(self.videos_per_person, self.videos)
        times = np.minimum(rng.geometric(1 / mean, num_visits), self.videos)
        person = np.repeat(np.arange(num_visits), times)[:num_visits]
        person = person.reshape(self.visits, self.videos).T.ravel()

        video, track, frame, visit = self._walks(rng)
        track = self._switch_tracks(rng, video, track, frame)
        order = TrackletTable.sort_order(video, track, frame)
        video, visit = video[order], visit[order]
        table = TrackletTable.from_columns(
            video_id=video, tracklet_id=track[order], frame=frame[order]
        )

        # shown = visit whose identity the image shows, -1 = clutter
        kind = rng.random(len(visit))
        step = rng.integers(1, max(self.visits, 2), len(visit))
        other = video * self.visits + (visit + step) % self.visits
        shown = np.where(kind < self.foreign + self.clutter, -1, visit)
        shown = np.where(kind < self.foreign, other, shown)
        clutter_pid = person.max() + 1 + np.arange(len(shown))
        pid = np.where(shown < 0, clutter_pid, person[shown])
        features = self._features(rng, person, shown, video, folder)
        return Simulation(table, features, pid)

    def _walks(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Return video, track, frame and visit of every image ``(N,)``."""
        num_visits = self.videos * self.visits
        length = rng.integers(
            max(self.images // 2, 1), self.images * 3 // 2 + 1, num_visits
        )
        start = rng.integers(0, max(self.duration, 1), num_visits)
        visit = np.repeat(np.arange(num_visits), length)  # (visits,) -> (N,)
        first = np.concatenate(([0], np.cumsum(length)[:-1]))
        frame = np.arange(len(visit)) - first[visit] + start[visit]
        new = rng.random(len(visit)) < self.fragmentation
        new[first] = True
        track = np.cumsum(new) - 1
        return visit // self.visits, track, frame, visit

    def _switch_tracks(
        self,
        rng: np.random.Generator,
        video: np.ndarray,
        track: np.ndarray,
        frame: np.ndarray,
    ) -> np.ndarray:
        """Return the tracks ``(N,)`` after identity switches."""
        first = np.flatnonzero(np.diff(track, prepend=-1))  # (tracks,)
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
            overlaps = enters[others] < leaves[a]
            overlaps &= leaves[others] > enters[a]
            others = others[overlaps & (others != a)]
            if not len(others):
                continue
            b = rng.choice(others)
            switch = rng.integers(
                max(enters[a], enters[b]), min(leaves[a], leaves[b]) + 1
            )
            rows = slice(row_ptr[here], row_ptr[here + 1])
            current = result[rows]  # a view
            later = frame[rows] >= switch
            of_a, of_b = (current == a) & later, (current == b) & later
            current[of_a], current[of_b] = b, a
        return result

    def _features(
        self,
        rng: np.random.Generator,
        person: np.ndarray,
        shown: np.ndarray,
        video: np.ndarray,
        folder: str | Path | None,
    ) -> FeatureStore:
        """Return the features ``(N, dim)`` of what the images show."""
        basis = rng.normal(size=(self.look_dim, self.dim))
        looks = _directions(rng, int(person.max()) + 1, basis)
        mean = looks[person]  # (visits, dim)
        mean += self.drift * _directions(rng, len(person), basis)
        shift = self.camera_shift * _directions(rng, self.videos, basis)
        shape, meta = (len(shown), self.dim), {'extractor': 'NoiseModel'}
        out = (
            np.empty(shape, np.float16)
            if folder is None
            else FeatureStore.create(folder, shape)
        )
        # noise has this length on average, whatever the dimension
        scale = self.image_noise / np.sqrt(self.dim)
        for start in range(0, len(shown), _BLOCK):
            part = slice(start, start + _BLOCK)
            visit = shown[part]
            clutter = _directions(rng, len(visit), basis)
            block = np.where((visit < 0)[:, None], clutter, mean[visit])
            block += shift[video[part]]
            spread = self.noise_spread
            length = rng.lognormal(-(spread**2) / 2, spread, (len(visit), 1))
            length *= scale
            noise = rng.standard_normal(block.shape, np.float32)
            out[part] = _unit(block + length * noise)
        if folder is None:
            return FeatureStore(out, meta)
        FeatureStore.finish(folder, meta)
        return FeatureStore.open(folder)


def _directions(
    rng: np.random.Generator, count: int, basis: np.ndarray
) -> np.ndarray:
    """Return random unit vectors in the span of ``basis``."""
    weights = rng.normal(size=(count, len(basis)))
    return _unit(weights @ basis).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
