"""Reports: self-contained HTML pages, from templates and facts."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from mmcion.utils.io import atomic_file

from .charts import figure_svg
from .palette import COLORS
from .text import (
    count_of,
    format_number,
    format_setting,
    percent,
    percent_change,
    percent_of,
)
from .tiles import count_columns, unreadable_remark

TEMPLATES = Path(__file__).parent  # and the style sheet


def write_report(file: str | Path, template: Path, **facts: Any) -> None:
    """Write a page: it loads nothing, runs no script and can be mailed.

    ``report.html.jinja`` is the layout of all pages, ``macros.html.jinja`` has
    their parts and ``report.css`` their style. All text is escaped.

    Args:
        file: HTML file to write.
        template: Template of the page.
        facts: What the template shows, by name.
    """
    # a page is found beside its caller, what all pages share is here
    environment = Environment(
        loader=FileSystemLoader([template.parent, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        change=percent_change,
        columns=count_columns,
        count_of=count_of,
        image_uri=image_uri,
        number=format_number,
        percent=percent,
        percent_of=percent_of,
        setting=format_setting,
        svg_uri=svg_uri,
        unreadable_remark=unreadable_remark,
    )
    # the macro "section" collects the titles for the table of contents
    page = environment.get_template(template.name).render(
        facts, colors=COLORS, sections=[]
    )
    with atomic_file(file) as temporary:
        # names of files may hold bytes that are not UTF-8, as surrogates
        temporary.write_bytes(page.encode(errors='replace'))


def image_uri(image: Image.Image) -> str:
    """Return an image in a data URI: a photograph as JPEG, else PNG."""
    kind = 'png' if image.mode == 'P' else 'jpeg'
    with io.BytesIO() as buffer:
        # PNG has no quality and ignores it
        image.save(buffer, kind, quality=90)
        return _data_uri(kind, buffer.getvalue())


def svg_uri(figure: Figure, *, narrow: bool = False) -> str:
    """Return a chart as SVG in a data URI, as wide as a phone if narrow."""
    return _data_uri('svg+xml', figure_svg(figure, narrow=narrow))


def _data_uri(kind: str, data: bytes) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(data).decode()}'
