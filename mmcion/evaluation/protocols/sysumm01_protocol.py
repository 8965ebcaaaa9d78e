"""SYSUMM01Protocol: infrared queries, galleries drawn from colour images."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np

from mmcion.registry import PROTOCOLS

from .gallery_rule import GalleryRule
from .labels import Labels
from .market_protocol import MarketProtocol, Trial

CAMERAS = {'all': (1, 2, 4, 5), 'indoor': (1, 2)}
# cameras 2 and 3 look at one place
_QUERY_CAMERA, _SAME_PLACE = 3, 2


class SYSURule(GalleryRule):
    """Leave all of camera 2 out for queries of camera 3.

    CMC counts identities: of each only the nearest image stands in the list.
    """

    cmc = 'first'

    def split(self, query: int) -> tuple[np.ndarray, np.ndarray]:
        """Return gallery rows of a query's matches and of what to leave out.

        The second does not repeat ``ignored``.
        """
        same = self._by_pid[self._low[query] : self._high[query]]
        assert self.q_cams is not None and self.g_cams is not None
        if self.q_cams[query] != _QUERY_CAMERA:
            return same, same[:0]
        left_out = self.g_cams == _SAME_PLACE
        matches = same[~left_out[same]]
        left_out[self.ignored] = False
        return matches, np.flatnonzero(left_out)


@PROTOCOLS.register_module()
class SYSUMM01Protocol(MarketProtocol):
    """SYSU-MM01: the mean over galleries that are drawn anew in each trial.

    A trial draws ``shots`` images of every identity and camera of the
    gallery, by Python's ``random.Random(trial)``: identities in order, then
    cameras in order, from images in the order given, which is to be that of
    their names. With one shot these are the galleries of the Python code
    that papers since AGW use; the galleries of the authors' MATLAB code are
    others.

    Source: Wu et al., "RGB-infrared cross-modality person
    re-identification", ICCV 2017; Ye et al., "Deep learning for person
    re-identification: a survey and outlook", TPAMI 2021, and its code.

    Args:
        mode: ``'all'`` for a gallery of cameras 1, 2, 4 and 5, ``'indoor'``
            for 1 and 2.
        shots: images of an identity and camera: 1 is single-shot, 10
            multi-shot; all where there are less.
        num_trials: galleries to draw.

    Raises:
        ValueError: if an option is out of range.
    """

    rule = SYSURule

    def __init__(
        self, mode: str = 'all', shots: int = 1, num_trials: int = 10
    ) -> None:
        if mode not in CAMERAS:
            raise ValueError(
                f'mode must be one of {tuple(CAMERAS)}; got {mode!r}.'
            )
        for name, value in (('shots', shots), ('num_trials', num_trials)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f'{name} must be a whole number of 1 or more; got '
                    f'{value!r}.'
                )
        self.mode = mode
        self.shots = shots
        self.num_trials = num_trials

    @property
    def remark(self) -> str:
        """What a reader of the scores has to know beyond their names."""
        return (
            f'Scores, those of single queries too, are means over '
            f'{self.num_trials} drawn galleries; the lists show the first. '
            f'Rank-k counts people: of each only the nearest image stands in '
            f'the list.'
        )

    def trials(
        self, labels: Labels, ignore_pids: Sequence[int] | int = (-1,)
    ) -> list[Trial]:
        """Draw the galleries; see ``MarketProtocol.trials``.

        Raises:
            ValueError: if cameras lack, or the gallery has none of the
                mode's.
        """
        if labels.q_cams is None or labels.g_cams is None:
            raise ValueError(
                'SYSUMM01Protocol needs the cameras, 1 to 6, of queries and '
                'gallery.'
            )
        groups = self._groups(labels.g_pids, labels.g_cams)
        if not groups:
            raise ValueError(
                f'the gallery has no image of cameras {CAMERAS[self.mode]}, '
                f'which mode {self.mode!r} asks for; it has cameras '
                f'{np.unique(labels.g_cams).tolist()}.'
            )
        return [
            self._trial(number, groups, labels, ignore_pids)
            for number in range(self.num_trials)
        ]

    def _groups(
        self, g_pids: np.ndarray, g_cams: np.ndarray
    ) -> list[np.ndarray]:
        """Return rows by identity and camera, in order."""
        rows = np.flatnonzero(np.isin(g_cams, CAMERAS[self.mode]))
        order = rows[np.lexsort((g_cams[rows], g_pids[rows]))]
        keys = np.stack((g_pids[order], g_cams[order]))
        cuts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
        return [group for group in np.split(order, cuts) if len(group)]

    def _trial(
        self,
        number: int,
        groups: list[np.ndarray],
        labels: Labels,
        ignore_pids: Sequence[int] | int,
    ) -> Trial:
        random = Random(number)
        drawn: list[int] = []
        for group in groups:
            images = group.tolist()
            if self.shots == 1:
                drawn.append(random.choice(images))
            else:
                drawn += random.sample(images, min(self.shots, len(images)))
        rows = np.array(drawn)
        rule = self.rule(labels.of_gallery(rows), ignore_pids)
        return Trial(rows, rule)
