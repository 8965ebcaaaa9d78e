"""The page about a denoising: what became of tracklets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import check_at_least

from .charts import calibration_chart, links_chart
from .denoising_counts import (
    IdentityCounts,
    RemovedCounts,
    bin_counts,
    count_videos,
)
from .denoising_facts import DenoisingFacts
from .denoising_tiles import (
    TableTiles,
    cross_video_groups,
    dissolved_groups,
    doubtful_groups,
    removed_groups,
)
from .report import TEMPLATES, write_report
from .tiles import COLUMNS, ImageLike, TileGroup, spread
from .timeline import ROWS, make_timeline

_MOST_VIDEOS = 200


def write_denoising_report(
    file: str | Path,
    table: TrackletTable,
    labels: IdentityLabels,
    *,
    load_image: Callable[[str], ImageLike] | None = None,
    max_tiles: int = 100,
) -> None:
    """Write a page to check a denoising by eye.

    Its size does not grow with the table. Equal inputs give equal files.

    Args:
        file: HTML file to write.
        table: Images; without paths the page has no crops.
        labels: Identities that were found. What is missing in their
            ``report`` is left out.
        load_image: Returns the image of a path of the table: a file, the
            content of one, or ``(H, W, 3)`` uint8 RGB; the file below the
            table's ``image_root`` if None.
        max_tiles: Crops per section, at most; 0 leaves them out.
    """
    check_at_least(0, max_tiles=max_tiles)
    counts = IdentityCounts.from_labels(table, labels)
    removed = RemovedCounts.from_labels(table, labels)
    facts = DenoisingFacts.from_report(labels.report)
    crops: dict[str, list[TileGroup]] = {}
    tiles, most = None, ROWS
    if table.path is not None and max_tiles:
        # one line of crops per identity, link or tracklet
        lines = -(-max_tiles // COLUMNS)
        most = min(ROWS, max_tiles)
        tiles = TableTiles(table, load_image)
        links = [
            link for level in facts.levels for link in level.doubtful_links
        ]
        links.sort(key=lambda link: -link.distance)
        partly = spread(removed.partly, lines)
        wholly = spread(removed.wholly, max(lines // 3, 1) * COLUMNS)
        crops = {
            'cross_video': cross_video_groups(tiles, labels, counts, lines),
            'doubtful': doubtful_groups(tiles, labels, links[:lines]),
            'partly': removed_groups(tiles, labels, partly),
            'wholly': dissolved_groups(tiles, wholly),
        }
    # the template has the sections and their texts
    calibration = facts.calibration
    write_report(
        file,
        TEMPLATES / 'denoising_page.html.jinja',
        title='From tracklets to identities',
        table=table,
        fingerprint=table.fingerprint(),
        counts=counts,
        timeline=make_timeline(table, labels, counts, tiles, most=most),
        removed=removed,
        facts=facts,
        crops=crops,
        distances=calibration_chart(calibration)
        if calibration.has_distances
        else None,
        link_rates=links_chart(calibration)
        if calibration.links.distance
        else None,
        image_bins=bin_counts(counts.images),
        video_bins=bin_counts(counts.videos),
        videos=count_videos(table, labels, counts, _MOST_VIDEOS),
    )
