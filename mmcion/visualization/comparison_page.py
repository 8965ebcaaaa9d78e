"""The page about one model on several data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmcion.utils.score_table import score_rows

from .report import TEMPLATES, write_report


def write_comparison(
    file: str | Path,
    scores: Mapping[str, Mapping[str, float]],
    *,
    options: Mapping[str, str] | None = None,
    command: str = '',
) -> None:
    """Write a page with the scores of one model on several data sets.

    Args:
        file: HTML file to write.
        scores: Scores of ``ReIDMetric`` by data set.
        options: Options of the scores as text, by data set.
        command: Command that made the scores.
    """
    header, rows = score_rows(scores)
    write_report(
        file,
        TEMPLATES / 'comparison_page.html.jinja',
        title='Across data sets',
        header=header,
        rows=rows,
        names=list(scores),
        options=options or {},
        command=command,
    )
