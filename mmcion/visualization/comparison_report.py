"""The report of one model on several data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmcion.utils.score_table import score_rows

from .charts import score_bars
from .html_report import HtmlReport


def write_comparison(
    file: str | Path,
    scores: Mapping[str, Mapping[str, float]],
    *,
    title: str = 'Across data sets',
    command: str = '',
) -> None:
    """Write a page with the scores of one model on several data sets.

    Args:
        file: HTML file to write.
        scores: by data set, as ``ReIDMetric`` gives them.
        title: of the page.
        command: that made the scores.
    """
    header, rows = score_rows(scores)
    scores_end = header.index('queries with a match')
    report = HtmlReport(title, 'One model, judged on several data sets.')
    report.add_section('Scores')
    report.add_table(
        header,
        [
            [row[0], *map(_percent, row[1:scores_end]), *row[scores_end:]]
            for row in rows
        ],
    )
    for score in ('mAP', 'Rank-1'):
        if score in header:
            column = header.index(score)
            values = {
                row[0]: float(row[column])
                for row in rows
                if row[column] != '-'
            }
            report.add_figure(
                score_bars(values, xlabel=score, best=''),
                alt=f'{score} on each data set',
                caption=score,
            )
    report.add_text(
        'The pages of the single data sets lie beside this one, in a folder '
        'for each: ' + ', '.join(f'{name}/report.html' for name in scores)
    )
    if command:
        report.add_section('What was run')
        report.add_code(command)
    report.save(file)


def _percent(cell: str) -> str | None:
    return None if cell == '-' else f'{float(cell):.1%}'
