"""Charts of how well queries were answered: CMC, ROC, average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
)

from .charts import (
    CHART_STYLE,
    add_legend,
    mark_thresholds,
    new_axes,
    series_colors,
)
from .palette import BLUE, INK, MUTED, PAPER

Values = Sequence[float] | np.ndarray
RocPoints = tuple[Values, Values]

READ_FPR = (1e-4, 1e-3, 1e-2)  # false positive rates that TPR is told for
_READ_RANKS = (1, 5, 10, 20)
_LINES = ('-', '--', '-.', ':')  # so that colour is not needed
_BINS = 20
_ROC_STEPS = 400  # points drawn of a curve, however many it has
_LEAST_FPR = 1e-7


def cmc_chart(curves: Mapping[str, Values]) -> Figure:
    """Draw the share of queries with a match among the first places.

    One curve has its values written at ranks 1, 5, 10 and 20; of several,
    the legend tells Rank-1.

    Args:
        curves: ``(R,)`` shares in [0, 1] for the places 1 to R, by name.

    Raises:
        ValueError: if there is no curve, or one without a value.
    """
    _check_curves(curves, 'CMC')
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = new_axes('rank', 'queries with a match so far')
        for color, line, (name, values) in zip(
            series_colors(len(curves)), cycle(_LINES), curves.items()
        ):  # fmt: skip
            shares = np.asarray(values, float)
            axes.plot(
                np.arange(1, len(shares) + 1),
                shares,
                line,
                color=color,
                linewidth=2,
                marker='o' if len(shares) == 1 else None,
                label=f'{name}: Rank-1 {shares[0]:.1%}',
            )
        longest = max(len(values) for values in curves.values())
        ticks = [1, *range(5, min(longest, 30) + 1, 5)]
        ticks += range(40, longest + 1, 10 if longest <= 60 else 20)
        if longest < 10:
            ticks = list(range(1, longest + 1))
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.set_xlim(1 - 0.02 * longest, 1.02 * longest + 0.5)
        least = min(values[0] for values in curves.values())
        floor = max(0.0, np.floor((least - 0.05) * 10) / 10)
        axes.set_ylim(floor, 1 + 0.09 * (1 - floor))
        steps = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(floor, 1)
        axes.set_yticks([step for step in steps if floor <= step <= 1])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        if len(curves) == 1:
            _write_ranks(axes, shares)
        add_legend(axes, len(curves))
    return figure


def roc_chart(curves: Mapping[str, RocPoints]) -> Figure:
    """Draw how many matching pairs are accepted against the wrong ones.

    The axis of wrong pairs is logarithmic, because a gallery has many more
    of them. What a curve reaches at 1e-4, 1e-3 and 1e-2 stands at the point
    or, of several curves, in the legend.

    Args:
        curves: ``(T,)`` false and ``(T,)`` true positive rates in [0, 1],
            both ascending, by name.

    Raises:
        ValueError: if there is no curve, one without a point, or one whose
            rates differ in number.
    """
    _check_curves({k: v[0] for k, v in curves.items()}, 'ROC')
    for name, (fpr, tpr) in curves.items():
        if len(fpr) != len(tpr):
            raise ValueError(
                f'{name} must have as many false as true positive rates; got '
                f'{len(fpr)} and {len(tpr)}.'
            )
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = new_axes(
            'false positive rate (log scale)', 'true positive rate', height=3.4
        )
        least = min(map(_least_rate, curves.values()))
        for rate in READ_FPR:
            axes.axvline(rate, color=MUTED, linewidth=0.8, linestyle=':')
        for color, line, (name, points) in zip(
            series_colors(len(curves)), cycle(_LINES), curves.items()
        ):  # fmt: skip
            grid = np.geomspace(least, 1, _ROC_STEPS)
            told = '  '.join(f'{r:.1%}' for r in _tpr_at(points, READ_FPR))
            axes.plot(
                grid,
                _tpr_at(points, grid),
                line,
                color=color,
                linewidth=2,
                label=f'{name}: {told}',
            )
        axes.set_xscale('log')
        axes.set_xlim(least, 1)
        axes.set_ylim(0, 1.04)
        axes.xaxis.set_major_locator(LogLocator(numticks=9))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        if len(curves) == 1:
            _write_rates(axes, points)
        else:
            axes.legend(
                loc='best', title='TPR at FPR 1e-4, 1e-3, 1e-2', labelcolor=INK
            )
    return figure


def average_precision_chart(average_precision: Values) -> Figure:
    """Draw how many queries have which average precision, and the mean.

    Args:
        average_precision: of the queries with a match, each in [0, 1].
    """
    values = np.asarray(average_precision, float)
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = new_axes('average precision of a query', 'queries')
        counts, edges = np.histogram(values, _BINS, (0, 1))
        axes.bar(edges[:-1], counts, 0.94 / _BINS, align='edge', color=BLUE)
        axes.set_xlim(-0.01, 1.01)
        axes.set_xticks(np.linspace(0, 1, 11))
        axes.set_ylim(0, 1.15 * max(counts.max(), 1))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter('{x:,.0f}')
        if len(values):
            mark_thresholds(axes, {'mean': float(values.mean())})
    return figure


def _tpr_at(points: RocPoints, rates: Values) -> np.ndarray:
    """Return the best true positive rate at false positive rates.

    It is 0 where even the nearest match lets more wrong pairs in.
    """
    fpr, tpr = (np.asarray(each, float) for each in points)
    below = np.searchsorted(fpr, rates, side='right')
    return np.concatenate([[0.0], tpr])[below]


def _least_rate(points: RocPoints) -> float:
    """Return where the axis starts: a power of ten below the first step."""
    fpr = np.asarray(points[0], float)
    first = min(fpr[fpr > 0].min(initial=1.0), READ_FPR[0])
    return max(10 ** np.floor(np.log10(0.99 * first)), _LEAST_FPR)


def _write_ranks(axes: Axes, shares: np.ndarray) -> None:
    for rank in _READ_RANKS:
        if rank <= len(shares):
            share = shares[rank - 1]
            axes.plot(rank, share, 'o', color=BLUE, clip_on=False)
            _write(axes, f'{share:.1%}', (rank, share))


def _write_rates(axes: Axes, points: RocPoints) -> None:
    for rate, share in zip(READ_FPR, _tpr_at(points, READ_FPR), strict=True):
        axes.plot(rate, share, 'o', color=BLUE, clip_on=False)
        _write(axes, f'{share:.1%}', (rate, share))


def _write(axes: Axes, text: str, point: tuple[float, float]) -> None:
    """Write a value below its point, or above where there is no room."""
    low, high = axes.get_ylim()
    below = point[1] - low > 0.15 * (high - low)
    axes.annotate(
        text,
        point,
        xytext=(7, -13 if below else 7),
        textcoords='offset points',
        bbox={'facecolor': PAPER, 'edgecolor': 'none', 'pad': 1},
    )


def _check_curves(curves: Mapping[str, Values], kind: str) -> None:
    if not curves:
        raise ValueError(f'a {kind} chart needs at least one curve; got none.')
    for name, values in curves.items():
        if not len(values):
            raise ValueError(f'the {kind} curve {name!r} has no point.')
