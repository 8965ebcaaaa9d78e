"""ReIDTracker: people keep their id when their track breaks."""

from __future__ import annotations

import copy
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmcion.utils.checks import UserError, check_at_least, check_interval

if TYPE_CHECKING:
    import supervision as sv

_MOMENTUM = 0.9  # of an identity's feature, as in BoT-SORT (arXiv 2206.14651)
_MOST_PAIRS = 100_000  # the latest pairs from which the threshold is measured


class Encoder(Protocol):
    """Turns the boxes of a frame into features, see ``ReIDEncoder``."""

    def extract_features(
        self, detections: Any, frame: np.ndarray
    ) -> np.ndarray:
        """Return features ``(n, d)``."""


class ReIDTracker:
    """Gives the tracks of a tracker of ``trackers`` ids that last.

    A tracker by boxes alone numbers a person anew who was hidden for longer
    than its buffer, or came back. Here, a new track is compared with all
    identities that are out of sight, and takes the id of the most similar one
    if the similarity is above a threshold.

    The threshold needs no labels and no calibrated model (ours): people who
    are in a frame together are different, so the similarities of such pairs
    show how similar different people look to this network in this scene. Of
    them, only ``false_match_rate`` divided by the number of identities out of
    sight may lie above. Until enough pairs were seen, nothing is joined.

    Args:
        tracker: Tracker of ``trackers``, such as ``BoTSORTTracker``.
        encoder: ``ReIDEncoder``, or whatever has its method.
        false_match_rate: Fraction of first-time visitors that may get the id
            of another.
        min_images: Number of images of a track that are averaged before it
            gets an id; until then the id is -1.

    Raises:
        UserError: If an argument is of another kind.
    """

    def __init__(
        self,
        tracker: Any,
        encoder: Encoder,
        *,
        false_match_rate: float = 0.05,
        min_images: int = 3,
    ) -> None:
        check_interval('(0, 1)', false_match_rate=false_match_rate)
        check_at_least(1, min_images=min_images)
        for name, value, method in (
            ('tracker', tracker, 'update'),
            ('encoder', encoder, 'extract_features'),
        ):
            if isinstance(value, type) or not hasattr(value, method):
                raise UserError(
                    f'{name} must be an object with {method}(); got {value!r}.'
                )
        self.tracker = tracker
        self.encoder = encoder
        self.false_match_rate = false_match_rate
        self.min_images = min_images
        self._forget()

    def reset(self) -> None:
        """Start a new video; ids are counted from 0 again."""
        self.tracker.reset()
        self._forget()

    def _forget(self) -> None:
        self._features: list[np.ndarray] = []  # (d,) of each identity
        self._identity: dict[int, int] = {}  # of a track
        self._waiting: dict[int, list[np.ndarray]] = {}  # features of a track
        self._similarity: deque[float] = deque(maxlen=_MOST_PAIRS)

    def update(
        self, detections: sv.Detections, frame: np.ndarray
    ) -> sv.Detections:
        """Track the boxes of the next frame; call it without boxes too.

        Args:
            detections: Boxes of people.
            frame: ``(H, W, 3)`` uint8, BGR as OpenCV reads.

        Returns:
            Boxes as the tracker returns them, with the ids of identities.

        Raises:
            UserError: If the tracker returns no ids, or the encoder not one
                finite feature for each box.
        """
        with warnings.catch_warnings():
            # those that look at boxes alone say so for every frame
            warnings.filterwarnings('ignore', '.* does not use it')
            found = self.tracker.update(detections, frame)
        nobody = hasattr(found, 'xyxy') and not len(found)
        if getattr(found, 'tracker_id', None) is None and not nobody:
            raise UserError(
                f'the tracker must return sv.Detections with tracker_id; got '
                f'{found!r}.'
            )
        rows = () if nobody else np.flatnonzero(found.tracker_id >= 0)
        if not len(rows):
            return found
        tracks = found.tracker_id[rows].tolist()
        # (n, d)
        features = np.asarray(
            self.encoder.extract_features(found[rows], frame), np.float32
        )
        if features.ndim != 2 or len(features) != len(rows):
            raise UserError(
                f'the encoder must return features ({len(rows)}, d); got '
                f'{features.shape}.'
            )
        if not np.isfinite(features).all():
            raise UserError(
                'the encoder returned features that are not finite.'
            )
        features = _unit(features)
        pairs = np.triu_indices(len(rows), 1)
        self._similarity.extend((features @ features.T)[pairs].tolist())
        for track, feature in zip(tracks, features, strict=True):
            if track not in self._identity:
                self._waiting.setdefault(track, []).append(feature)
        self._identify(tracks)
        ids = [self._identity.get(track, -1) for track in tracks]
        for identity, feature in zip(ids, features, strict=True):
            if identity >= 0:
                old = self._features[identity]
                self._features[identity] = _unit(
                    _MOMENTUM * old + (1 - _MOMENTUM) * feature
                )
        found = copy.copy(found)  # the tracker may keep its own
        found.tracker_id = np.full(len(found), -1)
        found.tracker_id[rows] = ids
        return found

    def _identify(self, tracks: list[int]) -> None:
        """Give an identity to the tracks of a frame that have waited."""
        ready = [
            track
            for track in dict.fromkeys(tracks)
            if len(self._waiting.get(track, ())) >= self.min_images
        ]
        if not ready:
            return
        features = _unit(
            np.stack([np.mean(self._waiting.pop(t), 0) for t in ready])
        )
        present = {self._identity.get(track) for track in tracks}
        lost = [i for i in range(len(self._features)) if i not in present]
        joined = {}
        # fewer pairs cannot tell the rate
        if lost and len(lost) <= self.false_match_rate * len(self._similarity):
            rate = self.false_match_rate / len(lost)
            threshold = np.quantile(self._similarity, 1 - rate)
            # (ready, lost); each takes another identity
            similarity = (
                features @ np.stack([self._features[i] for i in lost]).T
            )
            for row, column in zip(
                *linear_sum_assignment(similarity, maximize=True), strict=True
            ):
                if similarity[row, column] >= threshold:
                    joined[row] = lost[column]
        for row, track in enumerate(ready):
            if row in joined:
                # if the old track is revived, it is a new one
                self._identity = {
                    known: identity
                    for known, identity in self._identity.items()
                    if identity != joined[row]
                }
                self._identity[track] = joined[row]
            else:
                self._identity[track] = len(self._features)
                self._features.append(features[row])


def _unit(features: np.ndarray) -> np.ndarray:
    """Scale features to length 1, those of zeros excepted."""
    norm = np.linalg.norm(features, axis=-1, keepdims=True)
    return features / np.maximum(norm, 1e-12)
