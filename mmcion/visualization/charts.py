"""Charts in one clean style, as matplotlib figures without global state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .palette import BLUE, GREY, INK, LINE, MUTED, PAPER, SERIES

CHART_STYLE: dict[Any, Any] = {
    'font.family': 'DejaVu Sans',
    'font.size': 10,
    'text.color': INK,
    'axes.edgecolor': LINE,
    'axes.labelcolor': MUTED,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'axes.grid.axis': 'y',
    'axes.axisbelow': True,
    'grid.color': LINE,
    'grid.linewidth': 0.8,
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'xtick.major.size': 0,
    'ytick.major.size': 0,
    'legend.frameon': False,
    'figure.facecolor': PAPER,
    'svg.hashsalt': 'mmcion',
}
Curve = tuple[Sequence[float], Sequence[float]]


def training_curve(
    curves: Mapping[str, Curve],
    *,
    xlabel: str = 'iteration',
    ylabel: str = 'loss',
) -> Figure:
    """Draw named curves of ``(x, y)``."""
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = new_axes(xlabel, ylabel)
        for color, (name, (x, y)) in zip(
            series_colors(len(curves)), curves.items(), strict=True
        ):
            axes.plot(x, y, color=color, linewidth=2, label=name)
        axes.margins(x=0.02)
        add_legend(axes, len(curves))
    return figure


def histogram(
    counts: Mapping[str, Sequence[int]],
    edges: Sequence[float],
    *,
    thresholds: Mapping[str, float] | None = None,
    xlabel: str = 'distance',
) -> Figure:
    """Draw distributions over common bins, with named vertical lines.

    Every group has area 1, so that few and many values can be compared.

    Args:
        counts: values per bin, by name; empty groups are left out.
        edges: of the bins, one more than there are counts.
        thresholds: positions by name.
        xlabel: what the values are.
    """
    filled = {k: np.asarray(v) for k, v in counts.items() if sum(v)}
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = new_axes(xlabel, 'density')
        axes.set_yticks([])
        for color, (name, group) in zip(
            series_colors(len(filled)), filled.items(), strict=True
        ):
            axes.stairs(
                group / (group.sum() * np.diff(edges)),
                edges,
                fill=True,
                color=color,
                alpha=0.6,
                label=f'{name} ({group.sum():,})',
            )
        if filled:
            used = np.flatnonzero(np.sum(list(filled.values()), axis=0))
            axes.set_xlim(edges[used[0]], edges[used[-1] + 1])
        axes.margins(y=0.2)
        mark_thresholds(axes, thresholds or {})
        add_legend(axes, 2)
    return figure


def identity_sizes(sizes: Sequence[int]) -> Figure:
    """Draw the images per identity, largest first."""
    ordered = np.sort(np.asarray(sizes, int))[::-1]
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = new_axes('identity, largest first', 'images')
        width = 0.8 if len(ordered) <= 80 else 1.0
        axes.bar(np.arange(1, len(ordered) + 1), ordered, width, color=BLUE)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(x=0.01)
    return figure


def count_bars(
    counts: Mapping[str, int], *, xlabel: str, ylabel: str
) -> Figure:
    """Draw one column per count, its number above it.

    Args:
        counts: by name, from left to right; up to a dozen read well.
        xlabel: what the names are.
        ylabel: what is counted.
    """
    with matplotlib.rc_context(CHART_STYLE):
        figure, axes = new_axes(xlabel, ylabel)
        places = np.arange(len(counts))
        values = list(counts.values())
        axes.bar(places, values, 0.72, color=BLUE)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f'{value:,}',
                (place, value),
                xytext=(0, 3),
                textcoords='offset points',
                ha='center',
            )
        axes.set_xticks(places, list(counts))
        axes.set_xlim(-0.6, max(len(counts), 4) - 0.4)
        axes.set_ylim(0, 1.12 * max(values, default=1) or 1)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter('{x:,.0f}')
    return figure


def score_bars(
    scores: Mapping[str, float],
    *,
    xlabel: str = 'mAP',
    best: str | None = None,
) -> Figure:
    """Draw one bar per score in [0, 1], from top to bottom.

    Args:
        scores: by name.
        xlabel: which score it is.
        best: name of the bar to stress; the last one if not given.
    """
    names = list(scores)
    best = best if best is not None else (names[-1] if names else None)
    places = np.arange(len(names))
    with matplotlib.rc_context({**CHART_STYLE, 'axes.grid.axis': 'x'}):
        figure, axes = new_axes(xlabel, '', height=0.9 + 0.5 * len(names))
        colors = [BLUE if name == best else GREY for name in names]
        axes.barh(places, list(scores.values()), 0.62, color=colors)
        for place, (name, score) in enumerate(scores.items()):
            weight = 'bold' if name == best else 'normal'
            axes.text(
                score + 0.012,
                place,
                f'{score:.3f}',
                va='center',
                weight=weight,
            )
        axes.set_yticks(places, names, color=INK)
        axes.set_xlim(0, 1.08)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.invert_yaxis()
        axes.spines['bottom'].set_visible(False)
    return figure


def figure_svg(figure: Figure) -> bytes:
    """Return a figure as SVG, text drawn as shapes; equal charts are equal."""
    with matplotlib.rc_context(CHART_STYLE), io.BytesIO() as file:
        figure.savefig(file, format='svg', metadata={'Date': None})
        return file.getvalue()


def figure_rgb(figure: Figure, *, dpi: int = 144) -> np.ndarray:
    """Return a figure as ``(H, W, 3)`` uint8 RGB."""
    before = figure.dpi
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_dpi(before)
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def new_axes(
    xlabel: str, ylabel: str, *, height: float = 3.0
) -> tuple[Figure, Axes]:
    """Return an empty figure in the style, as wide as the page."""
    figure = Figure(figsize=(9.6, height), layout='constrained')
    axes = figure.add_subplot()
    axes.set_xlabel(xlabel, labelpad=8)
    axes.set_ylabel(ylabel, labelpad=8)
    axes.spines['left'].set_visible(False)
    return figure, axes


def mark_thresholds(axes: Axes, thresholds: Mapping[str, float]) -> None:
    """Draw lines; the lowest is named on its left, the others stacked."""
    ordered = sorted(thresholds.items(), key=lambda item: item[1])
    for line, (name, position) in enumerate(ordered):
        axes.axvline(position, color=INK, linewidth=1.5, linestyle='--')
        left = line == 0 and len(ordered) > 1
        axes.annotate(
            f'{name} = {position:.3f}',
            (position, 1 - 0.09 * max(line - 1, 0)),
            xycoords=('data', 'axes fraction'),
            xytext=(-6 if left else 6, -2),
            textcoords='offset points',
            ha='right' if left else 'left',
            va='top',
            bbox={'facecolor': PAPER, 'edgecolor': 'none', 'pad': 1},
        )


def series_colors(count: int) -> list[str]:
    """Return a colour per series; they repeat from the seventh on."""
    return [SERIES[i % len(SERIES)] for i in range(count)]


def add_legend(axes: Axes, curves: int) -> None:
    """Name the curves where there are several."""
    if curves > 1 and axes.get_legend_handles_labels()[0]:
        axes.legend(loc='best', labelcolor=INK)
