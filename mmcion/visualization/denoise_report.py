"""The report of a denoising: one page that says what became of tracklets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures import IdentityLabels, TrackletTable

from .charts import count_bars
from .denoise_levels import add_levels, add_thresholds, settings_text
from .denoise_sheets import (
    COLUMNS,
    LoadImage,
    Pictures,
    RemovedRows,
    Sheet,
    cross_video_sheet,
    dissolved_sheet,
    doubtful_links,
    doubtful_sheet,
    removed_sheet,
)
from .denoise_summary import (
    IdentitySummary,
    bin_counts,
    count_videos,
    spread,
)
from .html_report import Card, Cell, HtmlReport
from .words import count_of, share_of

MOST_VIDEOS = 200


def write_denoise_report(
    file: str | Path,
    table: TrackletTable,
    labels: IdentityLabels,
    *,
    load_image: LoadImage | None = None,
    max_tiles: int = 100,
    title: str = 'From tracklets to identities',
) -> None:
    """Write a page for people to judge a denoising by.

    It loads nothing, and its size does not grow with the table. Equal inputs
    give equal files.

    Args:
        file: HTML file to write.
        table: the images; without paths and ``load_image`` the page has no
            pictures.
        labels: the identities found. What their ``report`` does not hold is
            left out.
        load_image: returns the image of a row: ``(H, W, 3)`` uint8 RGB, a
            file, or the content of one; reads the table's files if not
            given.
        max_tiles: pictures per contact sheet; 0 leaves them out.
        title: of the page.

    Raises:
        ValueError: if there is not one label per row of the table, or
            ``max_tiles`` is negative.
    """
    if max_tiles < 0:
        raise ValueError(f'max_tiles must not be negative; got {max_tiles}.')
    summary = IdentitySummary.of(table, labels)
    run = _Run(table, labels, labels.report or {}, summary)
    report = HtmlReport(title, _lead(run), _footer(run))
    _add_cards(report, run)
    add_levels(report, run.report)
    add_thresholds(report, run.report)
    _add_distributions(report, run)
    if table.path is None and load_image is None:
        report.add_section(
            'Pictures',
            'The table has no image paths, so there are no pictures to show.',
        )
    elif max_tiles:
        lines = -(-max_tiles // COLUMNS)
        pictures = Pictures(table, load_image)
        _add_cross_video(report, run, pictures, lines)
        _add_doubtful(report, run, pictures, lines)
        _add_removed(report, run, pictures, lines)
    _add_videos(report, run)
    report.save(file)


@dataclass(frozen=True)
class _Run:
    """What all sections are about."""

    table: TrackletTable
    labels: IdentityLabels
    report: Mapping[str, Any]
    summary: IdentitySummary

    @property
    def kept(self) -> int:
        return int(self.summary.images.sum())

    @property
    def several(self) -> int:
        return int((self.summary.videos > 1).sum())


def _lead(run: _Run) -> str:
    found = len(run.summary.names)
    return (
        f'{count_of(len(run.table), "image")} in '
        f'{count_of(run.table.num_tracklets, "tracklet")} of '
        f'{count_of(len(run.table.videos), "video")} became '
        f'{count_of(found, "identity")}, {run.several:,} of them seen in '
        f'several videos.'
    )


def _footer(run: _Run) -> str:
    inputs = run.report.get('inputs') or {}
    parts = [f'Table {inputs.get("table", run.table.fingerprint())}']
    if 'features' in inputs:
        parts.append(f'features {inputs["features"]}')
    extractor = inputs.get('extractor')
    if isinstance(extractor, Mapping):
        extractor = settings_text(extractor)
    if extractor:
        parts.append(f'made with {extractor}')
    text = ', '.join(parts) + '.'
    if 'version' in run.report:
        text += f' Denoised with mmcion {run.report["version"]}.'
    return text


def _add_cards(report: HtmlReport, run: _Run) -> None:
    found = len(run.summary.names)
    cards = [
        Card(
            run.kept,
            'images kept',
            f'{share_of(run.kept, len(run.table))} of {len(run.table):,}',
        ),
        Card(
            found,
            'identities',
            f'from {count_of(run.table.num_tracklets, "tracklet")}',
        ),
        Card(
            run.several,
            'seen in several videos',
            f'{share_of(run.several, found)} of the identities',
        ),
    ]
    export = run.report.get('export') or {}
    if 'images' in export:
        note = ''
        if 'identities' in export:
            note = f'of {count_of(export["identities"], "identity")}'
        cards.append(Card(export['images'], 'images for pre-training', note))
    calibration = run.report.get('calibration') or {}
    notes = {
        'sigma': 'from an image to its identity, at most',
        'delta': 'between two identities, at least',
    }
    between = calibration.get('link_delta')
    if between is not None:
        notes['delta'] = f'within a video; between videos {between:.3f}'
    for name, note in notes.items():
        if calibration.get(name) is not None:
            cards.append(Card(f'{calibration[name]:.3f}', name, note))
    report.add_cards(cards)


def _add_distributions(report: HtmlReport, run: _Run) -> None:
    summary = run.summary
    report.add_section('Identities')
    if not len(summary.names):
        report.add_text('No image has an identity.')
        return
    report.add_text(
        f'An identity has {summary.images.mean():.1f} images on average, half '
        f'of them have {np.median(summary.images):,.0f} or fewer and the '
        f'largest {summary.images.max():,}. One alone with very many images '
        f'may hold several people.'
    )
    for values, xlabel, alt in (
        (summary.images, 'images of an identity', 'Sizes of identities'),
        (summary.videos, 'videos it is seen in', 'Videos per identity'),
    ):
        report.add_figure(
            count_bars(bin_counts(values), xlabel=xlabel, ylabel='identities'),
            alt=alt,
        )


def _add_cross_video(
    report: HtmlReport, run: _Run, pictures: Pictures, lines: int
) -> None:
    report.add_section('One person in several videos')
    if not run.several:
        report.add_text('Nobody was found in more than one video.')
        return
    shown = min(lines, run.several)
    report.add_text(
        f'{shown:,} of {count_of(run.several, "identity")} found in several '
        f'videos, one per line: those of most videos, and among these of '
        f'most images. The images are spread evenly over the videos named '
        f'below them. If different people were joined, it shows here first.'
    )
    sheet = cross_video_sheet(pictures, run.labels, run.summary, lines)
    _add_sheet(report, sheet, 'Identities of most videos, one per line')


def _add_doubtful(
    report: HtmlReport, run: _Run, pictures: Pictures, lines: int
) -> None:
    links = doubtful_links(run.report, lines)
    if not links:
        return
    report.add_section(
        'The most doubtful links',
        'Identities of different videos that were joined although they are '
        'nearly as far apart as delta allows, the farthest first. The one on '
        'the left, in blue, and the one on the right, in orange, should be '
        'the same person; if many are not, lower false_links or delta.',
    )
    sheet = doubtful_sheet(pictures, run.labels, links)
    _add_sheet(report, sheet, 'Two sides of links, one link per line')


def _add_removed(
    report: HtmlReport, run: _Run, pictures: Pictures, lines: int
) -> None:
    removed = RemovedRows.of(run.table, run.labels)
    report.add_section('Removed images')
    if not removed.images:
        report.add_text('Every image has an identity.')
        return
    report.add_text(
        f'{count_of(removed.images, "image")} of {len(run.table):,} agree '
        f'with no identity: typically people half hidden, two people in one '
        f'box, or no person at all. '
        f'{count_of(len(removed.partly), "tracklet")} lost some of their '
        f'images, {len(removed.wholly):,} lost all.'
    )
    if len(removed.partly):
        chosen = spread(removed.partly, lines)
        report.add_text(
            f'Left, what a tracklet keeps; right, in red, what it lost. '
            f'{_sampled(len(chosen), len(removed.partly))}'
        )
        sheet = removed_sheet(pictures, run.labels, chosen)
        _add_sheet(report, sheet, 'Kept and removed images of tracklets')
    if len(removed.wholly):
        chosen = spread(removed.wholly, max(lines // 3, 1) * COLUMNS)
        report.add_text(
            f'Tracklets that lost all images, the middle one of each. '
            f'{_sampled(len(chosen), len(removed.wholly))}'
        )
        sheet = dissolved_sheet(pictures, chosen)
        _add_sheet(report, sheet, 'Tracklets that lost all images')


def _add_sheet(report: HtmlReport, sheet: Sheet, alt: str) -> None:
    if sheet.image is None:
        report.add_text(f'No pictures: {sheet.remark}')
        return
    remark = f'{sheet.remark} They are grey.' if sheet.remark else ''
    report.add_image(sheet.image, alt=alt, caption=remark)


def _add_videos(report: HtmlReport, run: _Run) -> None:
    report.add_section('Videos')
    total = len(run.table.videos)
    if not total:
        report.add_text('The table has no video.')
        return
    caption = ''
    if total > MOST_VIDEOS:
        caption = f'The {MOST_VIDEOS} with most images of {total:,} videos'
    header = ['video', 'images', 'kept', 'tracklets', 'identities']
    rows: list[list[Cell]] = [
        [
            video.name,
            video.images,
            share_of(video.kept, video.images),
            video.tracklets,
            video.identities,
            video.shared,
        ]
        for video in count_videos(
            run.table, run.labels, run.summary, MOST_VIDEOS
        )
    ]
    report.add_table([*header, 'also in other videos'], rows, caption)


def _sampled(shown: int, total: int) -> str:
    if shown == total:
        return 'All are shown.'
    return f'{shown:,} of {total:,} are shown, evenly spaced in the table.'
