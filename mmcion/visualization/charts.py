"""Charts in one style, as matplotlib figures without global state."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mmcion.utils.io import atomic_file

from .denoising_facts import CalibrationFacts
from .palette import COLORS

# decorates everything that draws; the style is left when it returns
in_style = matplotlib.rc_context(
    fname=Path(__file__).with_name('report.mplstyle')
)
_NARROW = 4.8  # inches on a phone; 9.6 are as wide as a page


@dataclass(frozen=True)
class TrainingCurve:
    """Losses of a training, one per step that was logged."""

    steps: Sequence[int]
    losses: Sequence[float]


@in_style
def training_chart(curve: TrainingCurve) -> Figure:
    """Draw the loss over the steps."""
    figure, axes = new_axes('step', 'loss')
    axes.plot(curve.steps, curve.losses)
    axes.margins(x=0.02)
    return figure


@in_style
def rounds_chart(rounds: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the ratios of rounds of pre-training, one line each.

    Args:
        rounds: ``rounds`` of a ``rounds.json``.
    """
    figure, axes = new_axes('round', 'ratio')
    lowest = 0.8  # an axis of less makes much of small changes
    # markers, too: colour is not needed to tell lines apart
    for name, marker, path in (
        ('images kept', 'o', ('kept',)),
        ('recall of the self-check', '^', ('self_check', 'recall')),
        ('precision of the self-check', 's', ('self_check', 'precision')),
        ('ARI to the round before', 'D', ('ari',)),
        ('F1 against the truth', 'X', ('scores', 'pairwise_f1')),
    ):
        points = {}
        for each in rounds:
            value: Any = each
            for key in path:
                value = None if value is None else value.get(key)
            if value is not None:
                points[each['number']] = value
        if points:
            lowest = min(lowest, *points.values())
            axes.plot(
                [*points], [*points.values()], marker, ls='-', label=name
            )
    axes.set_xticks([each['number'] for each in rounds])
    axes.margins(x=0.05)
    axes.set_ylim(max(lowest - 0.05, 0), 1.03)
    figure.legend(loc='outside upper left', ncols=2)
    return figure


@in_style
def methods_chart(
    curves: Mapping[str, tuple[Sequence[int], np.ndarray, np.ndarray]],
) -> Figure:
    """Draw the mAP of methods over the images that they have seen.

    Args:
        curves: Images seen, mean mAP and half width of its interval, ``(S,)``
            each, by name of the method.
    """
    figure, axes = new_axes('images seen', 'mAP', height=4.0)
    # markers, too: colour is not needed to tell lines apart
    for (name, (images, mean, half)), marker in zip(
        curves.items(), itertools.cycle('o^sDXvP*'), strict=False
    ):
        (line,) = axes.plot(images, mean, marker, ls='-', label=name)
        axes.fill_between(
            images, mean - half, mean + half, color=line.get_color(), alpha=0.2
        )
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(loc='outside upper left', ncols=2)
    return figure


@in_style
def calibration_chart(calibration: CalibrationFacts) -> Figure:
    """Draw calibrated thresholds and the distances they were found on.

    Both distributions have area 1, so that few and many distances can be
    compared. Needs ``calibration.has_distances``.
    """
    figure, axes = new_axes('cosine distance', 'density')
    # (B + 1,) edges, (B,) counts
    edges = np.asarray(calibration.bins)
    same = np.asarray(calibration.same)
    different = np.asarray(calibration.different)
    for name, counts in (
        ('image to its tracklet', same),
        ('co-occurring tracklets', different),
    ):
        if counts.any():
            density = counts / (counts.sum() * np.diff(edges))
            label = f'{name} ({counts.sum():,})'
            axes.stairs(density, edges, fill=True, alpha=0.6, label=label)
    # names beside the lines: the first two may be equal, the third is smaller
    for name, threshold, line, height, side in (
        ('sigma', calibration.sigma, '--', 0.98, 'left'),
        ('delta', calibration.delta, '-', 0.87, 'left'),
        ('delta between videos', calibration.link_delta, ':', 0.98, 'right'),
    ):
        if threshold is not None:
            label = f'{name} = {threshold:.3f}'
            axes.axvline(
                threshold, c=COLORS['ink'], lw=1.5, ls=line, label=label
            )
            axes.annotate(
                name,
                (threshold, height),
                xycoords=('data', 'axes fraction'),
                xytext=(5 if side == 'left' else -5, 0),
                textcoords='offset points',
                ha=side,
                va='top',
                bbox={'facecolor': 'w', 'edgecolor': 'none', 'pad': 1},
            )
    used = np.flatnonzero(same + different)
    if len(used):
        axes.set_xlim(edges[used[0]], edges[used[-1] + 1])
    axes.set_yticks([])
    # above the axes, where it hides nothing however narrow the page
    figure.legend(loc='outside upper left', ncols=2)
    return figure


@in_style
def links_chart(calibration: CalibrationFacts) -> Figure:
    """Draw the expected fraction of false links over their distance.

    Needs ``calibration.links.distance``.
    """
    figure, axes = new_axes('cosine distance', 'expected false links')
    links = calibration.links
    for name, rate in (
        ('by co-occurring identities', links.within),
        ('by the bulk of all pairs', links.cross),
    ):
        if rate:
            axes.plot(links.distance, rate, label=name)
    if links.false_discovery_rate is not None:
        axes.axhline(
            links.false_discovery_rate,
            c=COLORS['ink'],
            lw=1,
            ls='--',
            label=f'stated rate = {links.false_discovery_rate:g}',
        )
    if calibration.link_delta is not None:
        axes.axvline(
            calibration.link_delta,
            c=COLORS['ink'],
            lw=1.5,
            ls=':',
            label=f'delta between videos = {calibration.link_delta:.3f}',
        )
    # 1 = all links are false; an estimate may be far above it
    axes.set_ylim(0, 1.25)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(loc='outside upper left', ncols=2)
    return figure


def new_axes(
    xlabel: str, ylabel: str, *, width: float = 9.6, height: float = 3.0
) -> tuple[Figure, Axes]:
    """Return an empty figure, its size in inches."""
    figure = Figure((width, height))
    axes = figure.add_subplot()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure, axes


@in_style
def figure_svg(figure: Figure, *, narrow: bool = False) -> bytes:
    """Return a figure as SVG, as wide as a phone if ``narrow``.

    Equal charts give equal bytes.
    """
    width = figure.get_figwidth()
    if narrow:
        figure.set_figwidth(min(width, _NARROW))
    with io.BytesIO() as file:
        # without the date, which would differ
        figure.savefig(file, format='svg', metadata={'Date': None})
        figure.set_figwidth(width)
        return file.getvalue()


@in_style
def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG file, atomically."""
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format='png')
