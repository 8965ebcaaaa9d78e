"""HtmlReport: one self-contained page for people to read."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from mmcion.utils.io import atomic_file

from .charts import figure_svg
from .html_style import STYLE

Cell = str | int | float | None

_PERCENT = re.compile(r'[\d.]+%')


@dataclass
class Card:
    """A key figure: the number, what it is, and a short remark."""

    value: Cell
    label: str
    note: str = ''


class HtmlReport:
    """Collect sections and write them as one HTML file.

    Everything is embedded: the page loads nothing, runs no script and can be
    mailed. All texts are plain and get escaped.

    Args:
        title: of the page.
        lead: what the page shows, in a sentence or two.
        footer: how it was made.
    """

    def __init__(self, title: str, lead: str = '', footer: str = '') -> None:
        self.title = title
        self.lead = lead
        self.footer = footer
        self._cards = ''
        self._sections: list[tuple[str, list[str]]] = []

    def add_cards(self, cards: Sequence[Card]) -> None:
        """Set the key figures at the top; up to six read well."""
        items = [
            f'<li class="card"><b>{escape(format_cell(card.value))}</b>'
            f'<span>{escape(card.label)}</span>'
            + (f'<small>{escape(card.note)}</small>' if card.note else '')
            + '</li>'
            for card in cards
        ]
        # six would leave one alone in the second line
        kind = 'cards three' if len(cards) == 6 else 'cards'
        self._cards = f'<ul class="{kind}">{"".join(items)}</ul>'

    def add_section(self, title: str, text: str = '') -> None:
        """Begin a section; what is added next belongs to it."""
        self._sections.append((title, []))
        if text:
            self.add_text(text)

    def add_text(self, text: str) -> None:
        """Add paragraphs, separated by empty lines."""
        for paragraph in re.split(r'\n\s*\n', text.strip()):
            self._add(f'<p>{escape(paragraph)}</p>')

    def add_code(self, text: str) -> None:
        """Add commands or other text that keeps its lines."""
        self._add(f'<pre>{escape(text)}</pre>')

    def add_table(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        caption: str = '',
    ) -> None:
        """Add a table; columns of numbers are aligned to the right.

        A text such as ``12.5%`` is a number, too.

        Args:
            header: names of the columns.
            rows: whole numbers get thousands separators, others three
                decimals, None a dash.
            caption: what the table shows.

        Raises:
            ValueError: if a row has not as many cells as the header.
        """
        for row in rows:
            if len(row) != len(header):
                raise ValueError(
                    f'a row has {len(row)} cells, the header '
                    f'{len(header)}: {list(row)}'
                )
        numeric = [
            bool(rows) and all(_is_number(row[i]) for row in rows)
            for i in range(len(header))
        ]
        style = [' class="number"' if flag else '' for flag in numeric]
        head = ''.join(
            f'<th scope="col"{style[i]}>{escape(name)}</th>'
            for i, name in enumerate(header)
        )
        body = ''.join(_table_row(row, style) for row in rows)
        title = f'<caption>{escape(caption)}</caption>' if caption else ''
        self._add(
            f'<div class="scroll"><table>{title}<thead><tr>{head}</tr>'
            f'</thead><tbody>{body}</tbody></table></div>'
        )

    def add_figure(
        self, figure: Figure, *, alt: str, caption: str = ''
    ) -> None:
        """Add a chart as SVG.

        Args:
            figure: as from ``mmcion.visualization.charts``.
            alt: what it shows, for those who cannot see it.
            caption: below it.
        """
        width = round(figure.get_figwidth() * 100)
        self._add_image('svg+xml', figure_svg(figure), width, alt, caption)

    def add_image(
        self,
        image: np.ndarray,
        *,
        alt: str,
        caption: str = '',
        quality: int = 85,
    ) -> None:
        """Add a photograph or a sheet of them as JPEG.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            alt: what it shows, for those who cannot see it.
            caption: below it.
            quality: of JPEG, up to 95.
        """
        with io.BytesIO() as file:
            # full colour resolution keeps frames and letters sharp;
            # optimize=True fails for pictures that hardly compress
            Image.fromarray(image).save(
                file, 'JPEG', quality=quality, subsampling=0
            )
            data = file.getvalue()
        self._add_image('jpeg', data, image.shape[1], alt, caption)

    def save(self, path: str | Path) -> None:
        """Write the page atomically."""
        with atomic_file(path) as temporary:
            temporary.write_text(self.to_html(), encoding='utf-8')

    def to_html(self) -> str:
        """Return the page."""
        lead = f'<p class="lead">{escape(self.lead)}</p>' if self.lead else ''
        footer = (
            f'<footer>{escape(self.footer)}</footer>' if self.footer else ''
        )
        sections = ''.join(
            f'<section id="s{i}"><h2>{escape(title)}</h2>\n'
            + '\n'.join(blocks)
            + '</section>\n'
            for i, (title, blocks) in enumerate(self._sections)
        )
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" '
            'content="width=device-width, initial-scale=1">\n'
            f'<title>{escape(self.title)}</title>\n'
            f'<style>{STYLE}</style></head>\n<body><main>\n'
            f'<header><h1>{escape(self.title)}</h1>{lead}{self._contents()}'
            f'</header>\n{self._cards}\n{sections}{footer}'
            '</main></body></html>\n'
        )

    def _contents(self) -> str:
        if len(self._sections) < 3:
            return ''
        links = ''.join(
            f'<a href="#s{i}">{escape(title)}</a>'
            for i, (title, _) in enumerate(self._sections)
        )
        return f'<nav aria-label="Contents">{links}</nav>'

    def _add(self, block: str) -> None:
        if not self._sections:
            raise ValueError('begin a section with add_section first.')
        self._sections[-1][1].append(block)

    def _add_image(
        self, kind: str, data: bytes, width: int, alt: str, caption: str
    ) -> None:
        text = base64.b64encode(data).decode()
        below = (
            f'<figcaption>{escape(caption)}</figcaption>' if caption else ''
        )
        self._add(
            f'<figure><div class="wide"><img width="{width}" '
            f'alt="{escape(alt)}" src="data:image/{kind};base64,{text}">'
            f'</div>{below}</figure>'
        )


def format_cell(value: Cell) -> str:
    """Return 12,345 for a whole number, 0.123 for others, a dash for None."""
    if value is None:
        return '–'
    if isinstance(value, str):
        return value
    if isinstance(value, int | np.integer):
        return f'{value:,}'
    return f'{value:.3f}'


def _is_number(value: Cell) -> bool:
    return not isinstance(value, str) or bool(_PERCENT.fullmatch(value))


def _table_row(row: Sequence[Cell], style: Sequence[str]) -> str:
    first = isinstance(row[0], str) if row else False
    cells = []
    for i, value in enumerate(row):
        text = escape(format_cell(value))
        if i == 0 and first:
            cells.append(f'<th scope="row">{text}</th>')
        else:
            cells.append(f'<td{style[i]}>{text}</td>')
    return f'<tr>{"".join(cells)}</tr>'
