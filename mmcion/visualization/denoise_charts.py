"""Charts and table rows of what the levels of a denoising did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .charts import CHART_STYLE, histogram
from .html_report import Cell
from .palette import BLUE, GREY, INK, ORANGE, PAPER

NOISE = {'intra': BLUE, 'inter': ORANGE}


def level_name(level: Mapping[str, Any]) -> str:
    """Return the class of a level without its common ending."""
    return str(level.get('name', '?')).removesuffix('Denoiser')


def level_row(level: Mapping[str, Any]) -> list[Cell]:
    """Return name, counts, two noise rates and seconds of a level."""
    counts = ('images', 'identities', 'identities_in_several_videos')
    return [
        level_name(level),
        *(level.get(key) for key in counts),
        *(_noise_cell(level, kind) for kind in NOISE),
        level.get('seconds'),
    ]


def level_chart(levels: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw images, identities and noise, one line per level.

    Args:
        levels: as in the report of a denoising; what a level did not record
            stays empty, and the noise is left out if none recorded it.
    """
    with matplotlib.rc_context({**CHART_STYLE, 'axes.grid.axis': 'x'}):
        height = 1.15 + 0.42 * len(levels)
        figure = Figure(figsize=(9.6, height), layout='constrained')
        noisy = any(map(noise_of, levels))
        panels = figure.subplots(1, 3 if noisy else 2, sharey=True)
        names = [level_name(level) for level in levels]
        panels[0].set_yticks(np.arange(len(levels)), names, color=INK)
        panels[0].set_ylim(len(levels) - 0.4, -0.6)
        _draw_counts(panels[0], levels, {'images': BLUE})
        _draw_counts(
            panels[1],
            levels,
            {'identities': GREY, 'identities_in_several_videos': BLUE},
        )
        if noisy:
            _draw_noise(panels[2], levels)
    return figure


def calibration_chart(
    calibration: Mapping[str, Any], *, xlabel: str = 'cosine distance'
) -> Figure:
    """Draw the distances that thresholds were calibrated on, and these.

    Args:
        calibration: with ``bins``, ``same``, ``different``, ``sigma`` and
            ``delta``; ``link_delta`` is drawn if it is there.
        xlabel: which distance it is.
    """
    thresholds = {
        'sigma': calibration['sigma'],
        'delta': calibration['delta'],
    }
    if calibration.get('link_delta') is not None:
        thresholds['delta between videos'] = calibration['link_delta']
    return histogram(
        {
            'image to its tracklet': calibration['same'],
            'tracklets seen together': calibration['different'],
        },
        calibration['bins'],
        thresholds=thresholds,
        xlabel=xlabel,
    )


def noise_of(level: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a level says about noise, empty if that is nothing."""
    noise = level.get('noise')
    return noise if isinstance(noise, Mapping) else {}


def noise_rate(level: Mapping[str, Any], when: str, kind: str) -> float | None:
    """Return a noise rate of a level, None where it was not measured."""
    return (noise_of(level).get(when) or {}).get(kind)


def _noise_cell(level: Mapping[str, Any], kind: str) -> str | None:
    rates = [noise_rate(level, when, kind) for when in ('before', 'after')]
    if rates == [None, None]:
        return None
    return '\u00a0→\u00a0'.join(
        '–' if r is None else f'{r:.1%}' for r in rates
    )


def _draw_counts(
    axes: Axes,
    levels: Sequence[Mapping[str, Any]],
    colors: Mapping[str, str],
) -> None:
    """Draw bars over each other; the first one's value is written."""
    most = 1
    for key, color in colors.items():
        values = [level.get(key) or 0 for level in levels]
        most = max(most, *values)
        label = key.replace('identities_', '').replace('_', ' ')
        places = np.arange(len(levels))
        axes.barh(places, values, 0.56, color=color, label=label)
    first = next(iter(colors))
    for place, level in enumerate(levels):
        if level.get(first) is not None:
            axes.annotate(
                f'{level[first]:,}',
                (level[first], place),
                xytext=(5, 0),
                textcoords='offset points',
                va='center',
            )
    axes.set_xlim(0, 1.42 * most)
    axes.set_xticks([])
    axes.spines['bottom'].set_visible(False)
    axes.spines['left'].set_visible(False)
    _heading(axes, first, named=len(colors) > 1)


def _draw_noise(axes: Axes, levels: Sequence[Mapping[str, Any]]) -> None:
    """Draw a line from before (hollow) to after (full) for each rate."""
    top = 0.01
    for offset, (kind, color) in zip(
        (-0.15, 0.15), NOISE.items(), strict=True
    ):
        for place, level in enumerate(levels):
            before = noise_rate(level, 'before', kind)
            after = noise_rate(level, 'after', kind)
            y = place + offset
            if before is not None and after is not None:
                axes.plot([before, after], [y, y], color=color, linewidth=2)
            if before is not None:
                axes.plot(before, y, 'o', mec=color, mfc=PAPER, mew=2)
            if after is not None:
                axes.plot(after, y, 'o', color=color)
            top = max(top, before or 0, after or 0)
        axes.plot([], [], 'o-', color=color, linewidth=2, label=kind)
    axes.set_xlim(-0.03 * top, 1.08 * top)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.spines['left'].set_visible(False)
    axes.spines['bottom'].set_visible(False)
    _heading(axes, 'noise', named=True)


def _heading(axes: Axes, title: str, *, named: bool) -> None:
    axes.set_title(title, loc='left', fontsize=11, color=INK, pad=22)
    if named:
        axes.legend(
            loc='lower left',
            bbox_to_anchor=(0, 1),
            ncols=2,
            borderpad=0,
            borderaxespad=0.3,
            handlelength=1.2,
            columnspacing=1.2,
            fontsize=9,
        )
