"""EvaluationOptions: what a test does with features."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from ..protocols import build_protocol
from .chunk_scores import check_options
from .distance import DISTANCES
from .query_expansion import alpha_query_expansion, check_expansion
from .query_scores import RANKS
from .reranking import check_rerank, rerank


@dataclass
class EvaluationOptions:
    """What ``evaluate_features`` does with features.

    Attributes:
        protocol: of ``mmcion.evaluation.protocols``: name, config or object.
        camera_aware: tell the protocol the cameras. Switch it off for data
            of a single camera; where no image has a camera, all -1, it is.
        ignore_pids: identities to leave out, -1 being junk.
        ties: see ``mmcion.evaluation.evaluate``.
        distance: ``'cosine'`` or ``'euclidean'``.
        ranks: the places that CMC is told for.
        average_tracklets: rank tracklets by the means of their images, as in
            video re-identification.
        both_directions: also let the gallery ask the queries, as is done
            between two modalities; its scores begin with ``reverse/``.
        query_expansion: options of ``alpha_query_expansion``, such as
            ``dict(k=5, alpha=3)``.
        rerank: options of ``mmcion.rerank``, such as ``dict(k1=20, k2=6)``.
        fprs: false positive rates to report ``TPR@FPR`` at.
        keep_nearest: number of nearest images to keep for reports.

    Raises:
        ValueError: if an option is unknown or out of range.
    """

    protocol: Any = 'MarketProtocol'
    camera_aware: bool = True
    ignore_pids: Sequence[int] | int = (-1,)
    ties: str = 'mean'
    distance: str = 'cosine'
    ranks: Sequence[int] = RANKS
    average_tracklets: bool = False
    both_directions: bool = False
    query_expansion: Mapping[str, Any] | None = None
    rerank: Mapping[str, Any] | None = None
    fprs: Sequence[float] = ()
    keep_nearest: int = 0

    def __post_init__(self) -> None:
        self.protocol = build_protocol(self.protocol)
        check_options(self.ties, self.ranks)
        if self.distance not in DISTANCES:
            raise ValueError(
                f'distance must be one of {DISTANCES}; got {self.distance!r}.'
            )
        if self.rerank is not None:
            self.rerank = _complete('rerank', self.rerank, rerank)
            check_rerank(**self.rerank)
        if self.query_expansion is not None:
            self._check_expansion(self.query_expansion)
        for fpr in self.fprs:
            if not isinstance(fpr, Real) or not 0 <= fpr <= 1:
                raise ValueError(f'fprs must be in [0, 1]; got {fpr!r}.')

    def _check_expansion(self, given: Mapping[str, Any]) -> None:
        expansion = _complete('query_expansion', given, alpha_query_expansion)
        if 'k' not in expansion:
            raise ValueError(
                f'query_expansion needs k, such as dict(k=5); got {given}.'
            )
        check_expansion(**expansion)
        self.query_expansion = expansion
        if self.distance != 'cosine':
            raise ValueError(
                f'query expansion averages features of length 1, so distance '
                f"must be 'cosine'; got {self.distance!r}."
            )


def _complete(
    name: str, given: Any, function: Callable[..., Any]
) -> dict[str, Any]:
    """Add the defaults of a function's options; refuse unknown ones."""
    names = dict(inspect.signature(function).parameters)
    options = {key: names[key] for key in names if key not in ('qf', 'gf')}
    if not isinstance(given, Mapping) or set(given) - set(options):
        raise ValueError(
            f'{name} takes a dict with {", ".join(options)}; got {given!r}.'
        )
    defaults = {
        key: parameter.default
        for key, parameter in options.items()
        if parameter.default is not parameter.empty
    }
    return {**defaults, **given}
