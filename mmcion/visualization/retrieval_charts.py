"""Charts of a ranking: CMC, ROC and average precision."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, PercentFormatter

from mmcion.structures import RocCurve

from .charts import in_style, new_axes
from .palette import COLORS

_RANKS = (1, 5, 10, 20)  # ranks whose values are written
_RATES = (1e-4, 1e-3, 1e-2)  # false positive rates, too
_ROC_POINTS = 400  # that are drawn, however many there are
_LEAST_RATE = 1e-7
_BINS = 20


@in_style
def cmc_chart(cmc: np.ndarray) -> Figure:
    """Draw the fraction of queries with a match among the first ranks.

    ``cmc`` is ``(R,)``, for ranks 1 to R, R at least 1.
    """
    figure, axes = new_axes('rank', 'queries with a match so far')
    ranks = np.arange(1, len(cmc) + 1)
    axes.plot(ranks, cmc)
    ticks = [1, *range(5, min(len(cmc), 30) + 1, 5)]
    ticks += range(40, len(cmc) + 1, 10 if len(cmc) <= 60 else 20)
    axes.set_xticks(ticks if len(cmc) >= 10 else ranks)
    axes.margins(x=0.02)
    floor = max(0.0, np.floor((cmc[0] - 0.05) * 10) / 10)
    axes.set_ylim(floor, 1 + 0.09 * (1 - floor))
    steps = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(floor, 1)
    axes.set_yticks([step for step in steps if floor <= step <= 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    points = [(rank, cmc[rank - 1]) for rank in _RANKS if rank <= len(cmc)]
    # ranks are near each other: a value that does not change is written once
    changes = [
        b for a, b in pairwise(points) if f'{a[1]:.3f}' != f'{b[1]:.3f}'
    ]
    _mark(axes, points[:1] + changes)
    return figure


@in_style
def roc_chart(roc: RocCurve) -> Figure:
    """Draw the true positive rate over the false positive rate.

    The axis of false positives is logarithmic, because a gallery has many
    more pairs of different identities than of one. The values at 1e-4, 1e-3
    and 1e-2 are written. The curve must have a point.
    """
    # the axis starts at a power of ten below the first step
    first = min(roc.fpr[roc.fpr > 0].min(initial=1.0), _RATES[0])
    least = max(10 ** np.floor(np.log10(0.99 * first)), _LEAST_RATE)
    figure, axes = new_axes(
        'false positive rate (log scale)', 'true positive rate', height=3.4
    )
    grid = np.geomspace(least, 1, _ROC_POINTS)
    axes.plot(grid, [roc.tpr_at(rate) for rate in grid])
    axes.set(xscale='log', xlim=(least, 1), ylim=(0, 1.04))
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for rate in _RATES:
        axes.axvline(rate, color='0.5', linewidth=0.8, linestyle=':')
    _mark(axes, [(rate, roc.tpr_at(rate)) for rate in _RATES])
    return figure


@in_style
def average_precision_chart(average_precision: np.ndarray) -> Figure:
    """Draw the distribution and mean of ``(Q,)`` average precisions."""
    figure, axes = new_axes('average precision of a query', 'queries')
    counts, edges = np.histogram(average_precision, _BINS, (0, 1))
    axes.bar(edges[:-1], counts, 0.94 / _BINS, align='edge')
    axes.set(xlim=(-0.01, 1.01), xticks=np.linspace(0, 1, 11))
    ticks = MaxNLocator(5, integer=True).tick_values(0, counts.max())
    axes.set(yticks=ticks, ylim=(0, ticks[-1]))
    axes.yaxis.set_major_formatter('{x:,.0f}')
    mean = float(np.mean(average_precision))
    axes.axvline(
        mean, color=COLORS['ink'], lw=1.5, ls='--', label=f'mean = {mean:.3f}'
    )
    figure.legend(loc='outside upper left')
    return figure


def _mark(axes: Axes, points: list[tuple[float, float]]) -> None:
    """Write values below their points, above where there is no room."""
    low, high = axes.get_ylim()
    for x, y in points:
        axes.plot(x, y, 'o', color='C0', clip_on=False)
        axes.annotate(
            f'{y:.1%}',
            (x, y),
            xytext=(7, -13 if y - low > 0.15 * (high - low) else 7),
            textcoords='offset points',
            bbox={'facecolor': 'w', 'edgecolor': 'none', 'pad': 1},
        )
