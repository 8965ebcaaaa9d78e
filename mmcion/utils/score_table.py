"""Scores of several data sets as a table."""

from __future__ import annotations

from collections.abc import Mapping

_PREFIX = 'reid/'
_COUNTS = ('num_valid_queries', 'num_queries')


def score_rows(
    scores: Mapping[str, Mapping[str, float]],
) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row for each data set.

    Scores of a direction of their own, such as ``reverse/mAP``, get a row of
    their own. The last columns tell how many of the queries have a match and,
    if there are any, a match that ties with a wrong answer.

    Args:
        scores: by data set, as ``ReIDMetric`` or ``evaluate`` give them.
    """
    tables: dict[str, dict[str, float]] = {}
    for data, values in scores.items():
        for name, value in values.items():
            direction, _, score = name.removeprefix(_PREFIX).rpartition('/')
            row = f'{data} ({direction})' if direction else data
            tables.setdefault(row, {})[score] = value
    names = dict.fromkeys(
        name
        for table in tables.values()
        for name in table
        if not name.startswith('num_')
    )
    rows = []
    for row, table in tables.items():
        cells = [f'{table[n]:.4f}' if n in table else '-' for n in names]
        valid, asked = (int(table.get(count, 0)) for count in _COUNTS)
        tied = f'{int(table.get("num_tied_queries", 0)):,}'
        rows.append([row, *cells, f'{valid:,} of {asked:,}', tied])
    header = ['data set', *names, 'queries with a match', 'tied']
    if all(row[-1] == '0' for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return header, rows


def score_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Return the same as lines of text."""
    header, rows = score_rows(scores)
    columns = zip(header, *rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row in [header, ['-' * width for width in widths], *rows]:
        first, *cells = (
            cell.rjust(width) for cell, width in zip(row, widths, strict=True)
        )
        lines.append('  '.join([first.strip().ljust(widths[0]), *cells]))
    return '\n'.join(lines)
