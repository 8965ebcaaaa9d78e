"""The page about rounds of pre-training, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .charts import rounds_chart
from .report import TEMPLATES, write_report


def write_rounds_page(
    file: str | Path,
    report: Mapping[str, Any],
    *,
    commands: Sequence[str] = (),
) -> None:
    """Write a page that compares rounds.

    Args:
        file: HTML file to write.
        report: Content of ``rounds.json``.
        commands: Commands that were run.
    """
    write_report(
        file,
        TEMPLATES / 'rounds_page.html.jinja',
        title='Rounds of pre-training',
        report=report,
        rounds=report['rounds'],
        curves=rounds_chart(report['rounds']),
        commands=commands,
    )
