from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mmcion.registry import PROTOCOLS
from mmcion.structures import Csr
from mmcion.structures.matching import (
    rows_of_same_identity,
    split_by_camera,
)
from mmcion.utils.checks import UserError, check_choice

from .labels import Labels


@dataclass
class EvaluationSplit:
    """A ranking: the gallery and which of its images count for each query.

    Attributes:
        queries: ``(V,)`` rows of the queries, without junk.
        gallery: ``(G,)`` rows of the gallery images that take part; None for
            all. All other attributes number these, 0 to G - 1.
        pids: ``(G,)`` their identities.
        matches: Matches of each of the V queries.
        ignored: Ignored images of each of the V queries, without ``junk``.
        junk: Rows that are ignored for every query.
    """

    queries: np.ndarray
    gallery: np.ndarray | None
    pids: np.ndarray
    matches: Csr
    ignored: Csr
    junk: np.ndarray


@PROTOCOLS.register_module()
class MarketProtocol:
    """Rank the whole gallery once, as for Market-1501.

    - A match has the query's identity and another camera.
    - Images with the query's identity and camera are ignored.
    - Junk, images with an identity of ``ignore_pids``, is ignored; junk
      queries are not evaluated. Distractors are wrong answers.
    - Without cameras every image of the query's identity is a match.

    Most image data sets use it: MSMT17, DukeMTMC-reID, CUHK03-NP, PersonX and
    VeRi-776, and MARS with tracklets.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015, and its evaluation code.

    Attributes:
        cmc_by_image: Whether every gallery image has a rank of its own in
            CMC; if not, ``hits`` computes CMC.
    """

    cmc_by_image: ClassVar[bool] = True

    @property
    def remark(self) -> str:
        """What a reader of the scores must know beyond their names."""
        return ''

    def splits(
        self, labels: Labels, ignore_pids: Sequence[Any] = (-1,)
    ) -> list[EvaluationSplit]:
        """Return the rankings to make; scores are averaged over them."""
        return [self.split(labels, ignore_pids)]

    def split(
        self,
        labels: Labels,
        ignore_pids: Sequence[Any],
        gallery: np.ndarray | None = None,
    ) -> EvaluationSplit:
        """Return the ranking of some gallery rows, all if None."""
        q_pids, g_pids, q_cams, g_cams = labels
        if gallery is not None:
            g_pids = g_pids[gallery]
            g_cams = None if g_cams is None else g_cams[gallery]
        # without junk queries, junk images are matches of none
        junk = np.flatnonzero(np.isin(g_pids, ignore_pids))
        queries = np.flatnonzero(~np.isin(q_pids, ignore_pids))
        same = rows_of_same_identity(q_pids[queries], g_pids)
        none = same.select(np.zeros(len(same.values), bool))
        matches, ignored = (
            (same, none)
            if q_cams is None or g_cams is None
            else self.match(same, q_cams[queries], g_cams)
        )
        return EvaluationSplit(
            queries, gallery, g_pids, matches, ignored, junk
        )

    def match(
        self, same: Csr, q_cams: np.ndarray, g_cams: np.ndarray
    ) -> tuple[Csr, Csr]:
        """Return which gallery rows are matches and which are ignored.

        ``same`` has the gallery rows with the identity of each of V queries;
        cameras are ``(V,)`` and ``(G,)``.
        """
        return split_by_camera(same, q_cams, g_cams)

    def hits(
        self,
        own: np.ndarray,
        wrong: np.ndarray,
        wrong_pids: np.ndarray,
        ranks: np.ndarray,
    ) -> np.ndarray:
        """Return the chance of a match among the first ranks, for one query.

        Args:
            own: ``(M,)`` distances of the matches.
            wrong: ``(W,)`` distances of the wrong images.
            wrong_pids: ``(W,)`` identities of the wrong images.
            ranks: ``(R,)`` ranks -> ``(R,)`` in [0, 1].
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        options = ', '.join(f'{k}={v!r}' for k, v in vars(self).items())
        return f'{type(self).__name__}({options})'


def build_protocol(protocol: Any) -> MarketProtocol:
    """Return a protocol from its name, its config or an object."""
    if isinstance(protocol, str):
        protocol = {'type': protocol}
    if isinstance(protocol, MarketProtocol):
        return protocol
    is_config = isinstance(protocol, Mapping)
    name = protocol.get('type') if is_config else protocol
    if not is_config or PROTOCOLS.get(str(name)) is None:
        check_choice('protocol', name, sorted(PROTOCOLS.module_dict))
    try:
        return PROTOCOLS.build(dict(protocol))
    except TypeError as error:
        raise UserError(f'{name}: {error}') from error


def as_pids(pids: Any) -> list[Any]:
    """Return identities as a list; a single one or None is allowed."""
    if pids is None:
        return []
    single = isinstance(pids, str) or not isinstance(pids, Iterable)
    return [pids] if single else list(pids)
