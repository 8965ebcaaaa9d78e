"""What the levels of a denoising did and with which thresholds."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .denoise_charts import (
    calibration_chart,
    level_chart,
    level_name,
    level_row,
    noise_of,
)
from .html_report import Cell, HtmlReport
from .words import count_of

LEVELS_TEXT = (
    'A level drops images that disagree with the rest of their identity, and '
    'joins identities that look like one person. Noise is measured before '
    'and after a level: intra is the share of images farther than the '
    "level's sigma from the centre of their identity, inter the share of "
    'identities nearer to another one than delta between videos. Identities '
    'stay apart however near if they were seen in one frame, or if joining '
    'them would mix people who differ.'
)


COUNTS = {
    'refused_cooccurring': 'refused: seen in one frame',
    'refused_spread': 'refused: would spread too far',
}
COMMON = {'images', 'identities', 'identities_in_several_videos', 'seconds'}
DROPPED = {
    'dropped_small_identities': 'have too few images',
    'dropped_few_videos': 'are seen in too few videos',
}


def add_levels(report: HtmlReport, run: Mapping[str, Any]) -> None:
    """Add a section on counts and noise after every level.

    Args:
        report: page to add to.
        run: ``report`` of the labels; what it lacks is left out.
    """
    report.add_section('What each level did', LEVELS_TEXT)
    levels = run.get('levels') or []
    if not levels:
        report.add_text('The labels came without a report of their levels.')
        return
    report.add_figure(
        level_chart(levels),
        alt='Images, identities and noise after each level',
        caption='Hollow circles: noise before the level; full: after it.'
        if any(map(noise_of, levels))
        else '',
    )
    report.add_table(
        ['after', 'images', 'identities', 'in several videos']
        + ['intra noise', 'inter noise', 'seconds'],
        [level_row(level) for level in levels],
        'An arrow leads from before a level to after it.',
    )
    _add_counts(report, levels)
    export = run.get('export') or {}
    texts = [
        f'{count_of(export[key], "identity")} that {why}'
        for key, why in DROPPED.items()
        if export.get(key)
    ]
    if texts:
        report.add_text(
            f'Not written for pre-training: {" and ".join(texts)}. This page '
            f'still counts them.'
        )


def _add_counts(
    report: HtmlReport, levels: Sequence[Mapping[str, Any]]
) -> None:
    columns = [
        (level_name(level), other_counts(level))
        for level in levels
        if other_counts(level)
    ]
    keys = dict.fromkeys(key for _, counts in columns for key in counts)
    if keys:
        report.add_table(
            ['what was done', *(name for name, _ in columns)],
            [
                [
                    COUNTS.get(key, key.replace('_', ' ')),
                    *(counts.get(key) for _, counts in columns),
                ]
                for key in keys
            ],
            'What the levels counted',
        )


def other_counts(level: Mapping[str, Any]) -> dict[str, Cell]:
    """Return the numbers of a level that not every level has."""
    plain = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in level.items()
        if key not in COMMON
    }
    return {
        key: value
        for key, value in plain.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def add_thresholds(report: HtmlReport, run: Mapping[str, Any]) -> None:
    """Add a section on where the thresholds are from.

    Args:
        report: page to add to.
        run: ``report`` of the labels; what it lacks is left out.
    """
    report.add_section('Thresholds')
    calibration = run.get('calibration') or {}
    needed = ('sigma', 'delta', 'bins', 'same', 'different')
    if all(calibration.get(key) is not None for key in needed):
        report.add_text(_calibration_text(calibration))
        report.add_figure(
            calibration_chart(calibration),
            alt='Distances within tracklets and between people seen '
            'together, with both thresholds',
            caption='Both areas are equally large; the number of distances '
            'is in brackets.',
        )
    else:
        report.add_text('They were not calibrated on the data.')
    stages = run.get('stages') or []
    if stages:
        report.add_table(
            ['level', 'settings'],
            [
                [level_name({'name': stage.get('type', '?')})]
                + [settings_text(stage)]
                for stage in stages
            ],
            'Settings of the levels, as they were run',
        )


def _calibration_text(calibration: Mapping[str, Any]) -> str:
    noise = calibration.get('tracklet_noise')
    rate = calibration.get('false_merge_rate')
    sigma = 'sigma'
    if noise is not None:
        sigma += f', which {100 * noise:g}% of them exceed'
    delta = 'delta'
    if rate is not None:
        delta += f', below which {100 * rate:g}% of them lie'
    between = calibration.get('link_delta')
    links = calibration.get('false_links')
    if between is not None and links is not None:
        delta += (
            f'. Between videos an identity is compared with all others, so '
            f'there delta is {between:.3f}, below which it expects '
            f'{links:g} of them'
        )
    return (
        f'They come from the tracklets themselves, without a label. Images '
        f'of one tracklet are nearly always one person: the distances to '
        f'their centre give {sigma}. Two people in one frame are never the '
        f'same: the distances between their tracklets give {delta}.\n\n'
        f'How to read it: the farther apart the two hills, the better the '
        f'features tell people apart. Orange to the left of delta are '
        f'different people who look like one; blue to the right of sigma '
        f'are images that level 1 takes for foreign.'
    )


def settings_text(values: Mapping[str, Any]) -> str:
    """Return ``name value, ...`` of everything but the type, in short."""
    return ', '.join(
        f'{key} {_short(value)}'
        for key, value in values.items()
        if key != 'type'
    )


def _short(value: Any) -> str:
    """Return a number, the type of a config, or the start of a text."""
    if isinstance(value, float):
        return f'{value:.3f}'
    if isinstance(value, Mapping) and 'type' in value:
        value = value['type']
    return textwrap.shorten(str(value), 80, placeholder='…')
