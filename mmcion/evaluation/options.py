from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_interval,
    join_names,
)

from .distances import DISTANCES
from .protocols import as_pids, build_protocol
from .query_expansion import alpha_query_expansion, check_expansion
from .reranking import check_rerank, rerank


@dataclass
class EvaluationOptions:
    """How features are evaluated.

    Attributes:
        protocol: One of ``mmcion.evaluation.protocols``: name, config or
            object.
        camera_aware: Exclude gallery images taken by the query's camera. Set
            to False for single-camera data; ignored if every ``cam_id`` is
            -1.
        ignore_pids: Identities that are ignored in queries and gallery, -1
            being junk.
        distance: ``'cosine'`` or ``'euclidean'``.
        ranks: Ranks of CMC to report.
        average_tracklets: Rank tracklets by the mean of their images'
            features, as in video re-identification.
        both_directions: Also rank the queries for the gallery images, as is
            done between two modalities. Names of these scores begin with
            ``reverse/``.
        query_expansion: Arguments of ``alpha_query_expansion``, such as
            ``dict(k=5, alpha=3)``.
        rerank: Arguments of ``mmcion.rerank``, such as ``dict(k1=20, k2=6)``.
        fprs: False positive rates to report ``TPR@FPR`` at.
        keep_nearest: Number of nearest images per query to keep for reports.

    Raises:
        UserError: If an option is out of range.
    """

    protocol: Any = 'MarketProtocol'
    camera_aware: bool = True
    ignore_pids: Sequence[Any] = (-1,)
    distance: str = 'cosine'
    ranks: Sequence[int] = (1, 5, 10)
    average_tracklets: bool = False
    both_directions: bool = False
    query_expansion: Mapping[str, Any] | None = None
    rerank: Mapping[str, Any] | None = None
    fprs: Sequence[float] = ()
    keep_nearest: int = 0

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], allowed: Sequence[str] | None = None
    ) -> EvaluationOptions:
        """Return options by name, only the ``allowed`` ones unless None."""
        names = allowed or [field.name for field in fields(cls)]
        for name in options:
            check_choice('option', name, names)
        return cls(**options)

    def to_dict(self) -> dict[str, Any]:
        """Return the options that scores depend on, ready for JSON."""
        options = {
            field.name: getattr(self, field.name) for field in fields(self)
        }
        del options['keep_nearest']
        return {**options, 'protocol': str(self.protocol)}

    def __post_init__(self) -> None:
        self.protocol = build_protocol(self.protocol)
        self.ignore_pids = as_pids(self.ignore_pids)
        check_choice('distance', self.distance, DISTANCES)
        for name in ('ranks', 'fprs'):  # a single number may be given
            value = getattr(self, name)
            given = [value] if isinstance(value, Real) else value
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise UserError(f'{name} must be numbers; got {value!r}.')
            setattr(self, name, tuple(given))
        for name in ('camera_aware', 'average_tracklets', 'both_directions'):
            # text such as 'False' would be true
            check_choice(name, getattr(self, name), (True, False))
        for rank in self.ranks:
            check_at_least(1, ranks=rank)
        for fpr in self.fprs:
            check_interval('[0, 1]', fprs=fpr)
        check_at_least(0, keep_nearest=self.keep_nearest)
        if self.rerank is not None:
            self.rerank = _with_defaults('rerank', self.rerank, rerank)
            check_rerank(**self.rerank)
        if self.query_expansion is not None:
            self.query_expansion = _with_defaults(
                'query_expansion', self.query_expansion, alpha_query_expansion
            )
            check_expansion(**self.query_expansion)
            # expanded queries are means of features of norm 1
            check_choice('distance', self.distance, ['cosine'])


def _with_defaults(
    name: str, given: Any, function: Callable[..., Any]
) -> dict[str, Any]:
    """Add the defaults of a function's arguments after ``qf`` and ``gf``."""
    # bound without calling it, so that a config fails before extraction
    signature = inspect.signature(function)
    try:
        call = signature.bind((), (), **given)
    except TypeError as error:
        allowed = join_names(list(signature.parameters)[2:])
        hint = f'{name} takes a dict with {allowed}'
        raise UserError(f'{hint}; got {given!r} ({error}).') from error
    call.apply_defaults()
    return dict(list(call.arguments.items())[2:])
