"""Scores of data sets as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PREFIX = 'reid/'


def score_rows(
    scores: Mapping[str, Mapping[str, float]],
) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row of text for each data set.

    A second direction, such as ``reverse/mAP``, has a row of its own. The
    last columns are the numbers of valid and, if there are any, tied queries.

    Args:
        scores: Scores by data set, as from ``ReIDMetric`` or ``evaluate``.
    """
    tables: dict[str, dict[str, float]] = {}  # scores by row
    for data, values in scores.items():
        for name, value in values.items():
            direction, _, score = name.removeprefix(_PREFIX).rpartition('/')
            row = f'{data} ({direction})' if direction else data
            tables.setdefault(row, {})[score] = value
    every = dict.fromkeys(name for table in tables.values() for name in table)
    names = [name for name in every if not name.startswith('num_')]
    show_tied = any(table.get('num_tied_queries') for table in tables.values())
    # text of every cell; a score that a data set does not have is '-'
    rows = []
    for row, table in tables.items():
        cells = [f'{table[n]:.4f}' if n in table else '-' for n in names]
        num_valid = int(table.get('num_valid_queries', 0))
        num_queries = int(table.get('num_queries', 0))
        cells.append(f'{num_valid:,} of {num_queries:,}')
        if show_tied:
            cells.append(f'{int(table.get("num_tied_queries", 0)):,}')
        rows.append([row, *cells])
    header = ['data set', *names, 'queries with a match']
    return header + ['tied'] * show_tied, rows


def describe_options(options: Mapping[str, Any]) -> str:
    """Return the options of scores as one line of text."""
    return ', '.join(f'{name}={value}' for name, value in options.items())


def score_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Return the table as aligned lines of text."""
    header, rows = score_rows(scores)
    columns = zip(header, *rows, strict=True)
    first_width, *widths = (max(map(len, column)) for column in columns)
    rule = ['-' * width for width in (first_width, *widths)]
    lines = [
        # names to the left, numbers to the right
        [first.ljust(first_width), *map(str.rjust, cells, widths)]
        for first, *cells in (header, rule, *rows)
    ]
    return '\n'.join(map('  '.join, lines))


def score_lines(scores: Mapping[str, float]) -> str:
    """Return the scores of one data set as text, a line per direction."""
    (_, *names), rows = score_rows({'': scores})
    return '\n'.join(
        '  '.join([direction, *map('{} {}'.format, names, cells)]).strip()
        for direction, *cells in rows
    )
