from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from mmcion.registry import PROTOCOLS
from mmcion.structures import Csr
from mmcion.utils.checks import UserError, check_at_least, check_choice

from .labels import Labels
from .market import EvaluationSplit, MarketProtocol

CAMERAS = {'all': (1, 2, 4, 5), 'indoor': (1, 2)}
# cameras 2 and 3 are in the same room
_QUERY_CAMERA, _SAME_ROOM = 3, 2


@PROTOCOLS.register_module()
class SYSUMM01Protocol(MarketProtocol):
    """SYSU-MM01: the mean over several randomly drawn galleries.

    - A gallery has ``shots`` images of every identity and camera, drawn by
      Python's ``random.Random(index of the gallery)``: identities ascending,
      then cameras ascending, from images in the given order, which must be
      that of their names. With one shot these are the galleries of the Python
      code that papers since AGW use; the authors' MATLAB code has others.
    - Queries of camera 3 ignore the gallery of camera 2.
    - CMC counts identities: each has the rank of its nearest image.

    Source: Wu et al., "RGB-infrared cross-modality person
    re-identification", ICCV 2017; Ye et al., "Deep learning for person
    re-identification: a survey and outlook", TPAMI 2021, and its code.

    Args:
        mode: ``'all'`` for a gallery of cameras 1, 2, 4 and 5, ``'indoor'``
            for 1 and 2.
        shots: Images per identity and camera: 1 for single-shot, 10 for
            multi-shot; all images where there are fewer.
        num_trials: Number of galleries.
    """

    cmc_by_image = False

    def __init__(
        self, mode: str = 'all', shots: int = 1, num_trials: int = 10
    ) -> None:
        check_choice('mode', mode, CAMERAS)
        check_at_least(1, shots=shots, num_trials=num_trials)
        self.mode = mode
        self.shots = shots
        self.num_trials = num_trials

    @property
    def remark(self) -> str:
        """What a reader of the scores must know beyond their names."""
        return (
            f'Scores, also of single queries, are means over '
            f'{self.num_trials} drawn galleries; ranked lists show the first. '
            f'Rank-k counts identities, each at the rank of its nearest image.'
        )

    def splits(
        self, labels: Labels, ignore_pids: Sequence[Any] = (-1,)
    ) -> list[EvaluationSplit]:
        """Draw the galleries; see ``MarketProtocol.splits``."""
        cams, needed = np.asarray(labels.g_cams), CAMERAS[self.mode]
        rows = np.flatnonzero(np.isin(cams, needed))
        if not len(rows):
            raise UserError(
                f'mode {self.mode!r} of SYSUMM01Protocol needs gallery images '
                f'of cameras {needed}; got {np.unique(cams)}.'
            )
        # one group for each identity and camera, in this order
        rows = rows[np.lexsort((cams[rows], labels.g_pids[rows]))]
        keys = np.stack((labels.g_pids[rows], cams[rows]))
        starts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
        groups = [group.tolist() for group in np.split(rows, starts)]
        splits = []
        for random in map(Random, range(self.num_trials)):
            # choice and sample use the generator differently, as in the source
            drawn = [
                [random.choice(group)]
                if self.shots == 1
                else random.sample(group, min(self.shots, len(group)))
                for group in groups
            ]
            gallery = np.concatenate(drawn)
            splits.append(self.split(labels, ignore_pids, gallery))
        return splits

    def match(
        self, same: Csr, q_cams: np.ndarray, g_cams: np.ndarray
    ) -> tuple[Csr, Csr]:
        """Ignore camera 2 for camera 3; see ``MarketProtocol.match``."""
        same_room = np.flatnonzero(g_cams == _SAME_ROOM)
        is_query = q_cams == _QUERY_CAMERA
        # each query of camera 3 ignores them all, also other identities
        ptr = np.concatenate(([0], np.cumsum(is_query * len(same_room))))
        ignored = Csr(ptr, np.tile(same_room, is_query.sum()))
        is_ignored = is_query[same.keys] & (g_cams[same.values] == _SAME_ROOM)
        return same.select(~is_ignored), ignored

    def hits(
        self,
        own: np.ndarray,
        wrong: np.ndarray,
        wrong_pids: np.ndarray,
        ranks: np.ndarray,
    ) -> np.ndarray:
        """Return whether there is a match; see ``MarketProtocol.hits``."""
        nearer = np.unique(wrong_pids[wrong <= own.min()])
        return (len(nearer) < ranks).astype(float)
