"""The page about a search: where and when the person of a crop appears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures import IdentityLabels, TrackletTable

from .denoising_tiles import TableTiles
from .report import TEMPLATES, write_report
from .text import clock
from .tiles import ImageLike, Tile, TileGroup, read_tile
from .time_axis import TimeAxis
from .timeline import Timeline, TimelineRow, find_bars


def write_person_page(
    file: str | Path,
    table: TrackletTable,
    labels: IdentityLabels,
    answers: Sequence[dict[str, Any]],
    load_image: Callable[[str], ImageLike] | None = None,
    *,
    note: str = '',
) -> None:
    """Write the answers of a ``PersonFinder``: crops, times and distances.

    Args:
        file: HTML file to write.
        table: Images; without paths only the queries are shown.
        labels: Their identities.
        answers: Answers about files.
        load_image: See ``write_denoising_report``.
        note: Warning about all answers.
    """
    axis = TimeAxis(table)
    tiles = None if table.path is None else TableTiles(table, load_image)
    sections = []
    for answer in answers:
        matches = answer['matches']
        first = read_tile(Path, answer['query'], 'query', 'ink')
        sides: list[list[Tile]] = [[first], []]
        rows = []
        for match in matches:
            best = max(match['appearances'], key=lambda each: each['images'])
            if tiles is not None:
                (tile,) = tiles(np.array([best['best_row']]))
                tile.caption = (
                    f'identity {match["identity"]}\n{match["distance"]:.3f}'
                )
                tile.border = 'green' if match['near'] else ''
                sides[1].append(tile)
            here = np.flatnonzero(labels.identity == match['identity'])
            rows.append(
                TimelineRow(
                    match['identity'],
                    len(here),
                    len(match['appearances']),
                    find_bars(axis, table, here),
                    None,
                )
            )
        group = TileGroup(sides if sides[1] else sides[:1])
        sections.append((answer, group, Timeline(axis, rows)))
    write_report(
        file,
        TEMPLATES / 'person_page.html.jinja',
        title='Where the person appears',
        table=table,
        searches=sections,
        clock=clock,
        note=note,
    )
