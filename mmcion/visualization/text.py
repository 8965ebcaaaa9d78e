"""Numbers and settings as text."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import matplotlib

# matplotlib brings it to every system
FONT = Path(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf')

# an unknown number
DASH = '–'


@functools.cache
def _font_characters() -> frozenset[int]:
    """Return the code points that DejaVu Sans has."""
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(FONT)).get_charmap())


def drawable(text: str) -> str:
    """Return text as one line of characters that our font has.

    Names of files may hold line breaks, control characters, bytes that are
    not UTF-8 (which Python reads as surrogates) and any script. What the font
    does not have becomes '□'.
    """
    # split() takes line breaks and tabs for blanks
    line = ' '.join(text.split())
    return ''.join(
        char if char.isprintable() and ord(char) in _font_characters() else '□'
        for char in line
    )


def count_of(number: int, noun: str) -> str:
    """Return ``1 video``, ``2 videos``, ``2 identities`` or ``2 matches``."""
    if noun.endswith('y'):
        plural = noun[:-1] + 'ies'
    else:
        plural = noun + ('es' if noun.endswith('ch') else 's')
    return f'{number:,} {noun if number == 1 else plural}'


def percent(ratio: float | None) -> str:
    """Return a ratio such as ``12.5%``, a dash for None."""
    return DASH if ratio is None else f'{ratio:.1%}'


def percent_change(before: float | None, after: float | None) -> str:
    """Return ``12.5% → 0.0%``, a dash if neither is known."""
    if before is None and after is None:
        return DASH
    return f'{percent(before)} → {percent(after)}'


def percent_of(part: int, whole: int) -> str:
    """Return a part as a percentage, a dash if the whole is empty."""
    return percent(part / whole if whole else None)


def clock(seconds: float) -> str:
    """Return a time as ``0:07``, ``12:30`` or ``1:02:03``."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    if hour:
        return f'{hour}:{minute:02}:{second:02}'
    return f'{minute}:{second:02}'


def format_number(value: str | float | None) -> str:
    """Return ``12,345`` for an integer, ``0.123`` for a float.

    None becomes a dash, text is returned as it is.
    """
    if value is None or isinstance(value, str):
        return value or DASH
    return f'{value:,}' if isinstance(value, Integral) else f'{value:.3f}'


def format_setting(value: Any) -> str:
    """Return the value of a setting: ``yes``, ``0.434``, ``k1 20, k2 6``."""
    if value is None or value in ((), [], {}):
        return 'none'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, float):
        return f'{value:.4g}'
    if isinstance(value, Mapping):
        return ', '.join(
            f'{name} {textwrap.shorten(format_setting(each), 80)}'
            for name, each in value.items()
        )
    if isinstance(value, list | tuple):
        return ', '.join(map(format_setting, value))
    return str(value)
