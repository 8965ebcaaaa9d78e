"""The report of a ReID evaluation: scores, curves, answers and a map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures import RetrievalResult

from .html_report import Card, Cell, HtmlReport
from .retrieval_pictures import RetrievalPictures, draw_retrieval
from .retrieval_sheets import RetrievalSheet
from .words import count_of, share_of

_SHARE = re.compile(r'(mAP|mINP|Rank-\d+|TPR.*)$')
_MAIN = {'mAP': 'mAP', 'Rank-1': 'Rank-1', 'mINP': 'mINP'}
_NOTES = {
    'mAP': 'mean average precision',
    'Rank-1': 'the nearest image is the person',
    'mINP': 'how early the last match comes',
}
_MEANING = {
    'mAP': 'Mean over queries of the average precision of their ranking',
    'mINP': 'Mean over queries of matches divided by the rank of the last '
    'match',
    'num_queries': 'Queries asked',
    'num_valid_queries': 'Queries with a match in the gallery; the others '
    'are not in the means',
    'num_tied_queries': 'Queries of which a match is as far as a wrong answer',
}


def write_retrieval_report(
    file: str | Path,
    result: RetrievalResult,
    *,
    title: str = 'Person re-identification',
    settings: Mapping[str, Any] | None = None,
    command: str = '',
    pictures: RetrievalPictures | None = None,
) -> None:
    """Write a page for people to judge a model by.

    It loads nothing and can be mailed. Equal inputs give equal files.

    Args:
        file: HTML file to write.
        result: the ranking.
        title: of the page.
        settings: what was run, by name, such as config, checkpoint,
            protocol and re-ranking.
        command: that made the result.
        pictures: of ``draw_retrieval``, where they are saved as files, too,
            or have options; drawn if not given.

    Raises:
        ValueError: as ``draw_retrieval``.
    """
    pictures = pictures or draw_retrieval(result)
    scores = {_bare(name): value for name, value in result.scores.items()}
    report = HtmlReport(title, _lead(result))
    _add_cards(report, result, scores)
    _add_scores(report, scores, result.remark)
    _add_charts(report, pictures)
    _add_sheets(report, result, pictures)
    _add_map(report, pictures)
    _add_activation(report, pictures)
    _add_data(report, result)
    _add_settings(report, settings or {}, command)
    report.save(file)


def _bare(name: str) -> str:
    """Return the name of a score without the metric's prefix."""
    return name.removeprefix('reid/')


def _split(name: str) -> tuple[str, str]:
    """Return score and direction, as of ``reverse/mAP``; '' without one."""
    direction, _, score = name.rpartition('/')
    return score, direction


def _score_cell(name: str, value: float | None) -> Cell:
    if value is None:
        return None
    name, _ = _split(name)
    if _SHARE.match(name):
        return f'{value:.1%}'
    if float(value).is_integer() and name.startswith('num'):
        return int(value)
    return float(value)


def _lead(result: RetrievalResult) -> str:
    total = len(result.query_rows)
    gallery = int((~result.features.is_query).sum())
    return (
        f'For each of {count_of(total, "query")}, a gallery of '
        f'{count_of(gallery, result.unit)} was ranked by how near its '
        f'features are.'
    )


def _add_cards(
    report: HtmlReport, result: RetrievalResult, scores: Mapping[str, float]
) -> None:
    cards = [
        Card(_score_cell(name, scores[name]), label, _NOTES[name])
        for name, label in _MAIN.items()
        if name in scores
    ]
    matched, total = int((result.num_matches > 0).sum()), len(result.ap)
    cards.append(
        Card(
            matched,
            'queries with a match',
            f'{share_of(matched, total)} of {total:,}',
        )
    )
    report.add_cards(cards)


def _add_scores(
    report: HtmlReport, scores: Mapping[str, float], remark: str
) -> None:
    report.add_section('Scores')
    if not scores:
        report.add_text('The result has no scores.')
        return
    report.add_table(
        ['score', 'what it is', 'value'],
        [
            [_score_name(name), _meaning(name), _score_cell(name, value)]
            for name, value in scores.items()
        ],
    )
    if remark:
        report.add_text(remark)


def _score_name(name: str) -> str:
    score, direction = _split(name)
    score = score.removeprefix('num_').replace('_', ' ')
    return f'{score} ({direction})' if direction else score


def _meaning(name: str) -> str:
    score, _ = _split(name)
    if rank := re.fullmatch(r'Rank-(\d+)', score):
        if rank[1] == '1':
            return 'Queries whose nearest image is a match'
        return f'Queries with a match among the {rank[1]} nearest images'
    if rate := re.fullmatch(r'TPR@FPR=(.+)', score):
        return (
            f'Matching pairs accepted at the distance that accepts a share '
            f'of {rate[1]} of the wrong pairs'
        )
    return _MEANING.get(score, '')


def _add_charts(report: HtmlReport, pictures: RetrievalPictures) -> None:
    if pictures.cmc is not None:
        report.add_section(
            'How soon the person is found',
            'The share of queries that have a match among the first places '
            'of their ranking (cumulative matching characteristic, CMC).',
        )
        report.add_figure(
            pictures.cmc, alt='Share of queries with a match by rank'
        )
    if pictures.roc is not None:
        report.add_section(
            'Same person or not',
            'If two images count as one person whenever they are nearer than '
            'a threshold, this is the share of matching pairs that are '
            'accepted against the share of wrong pairs that are accepted '
            'with them (receiver operating characteristic, ROC). The values '
            'are those at one wrong pair in 10,000, 1,000 and 100.',
        )
        report.add_figure(
            pictures.roc,
            alt='True positive rate over false positive rate',
        )
    if pictures.average_precision is not None:
        report.add_section(
            'Easy and hard queries',
            'Average precision is 1 where all matches come before all wrong '
            'images. A heap on the left is a group of queries that the model '
            'does not understand. Queries without a match are left out.',
        )
        report.add_figure(
            pictures.average_precision,
            alt='Number of queries by average precision',
        )


def _add_sheets(
    report: HtmlReport, result: RetrievalResult, pictures: RetrievalPictures
) -> None:
    key = (
        'On the left the query, in a dark frame, with identity and camera '
        '(c); then the nearest of the gallery with camera, distance, and ✓ '
        'and green for the same person, ✗ and red for another one. What does '
        'not count for a query, such as images of its own camera where the '
        'protocol leaves them out, is not shown.'
    )
    if result.unit != 'image':
        key += f' Each {result.unit} is shown by its first image.'
    total = len(result.query_rows)
    shown = len(pictures.random.queries)
    _add_sheet(
        report,
        'Some queries',
        f'{shown:,} of {count_of(total, "query")}, drawn at random. {key}',
        pictures.random,
    )
    _add_sheet(
        report,
        'The worst queries',
        'Those of lowest average precision that have a match, the worst '
        'first. Look for what they have in common: a camera, a pose, people '
        'hidden by others, or labels that are wrong.',
        pictures.worst,
    )
    _add_sheet(
        report,
        'The most confident mistakes',
        'Queries whose nearest image is another person although there is a '
        'match, the smallest distance first. They show who looks alike to '
        'the model; some may be one person with two labels.',
        pictures.errors,
    )


def _add_sheet(
    report: HtmlReport, title: str, text: str, sheet: RetrievalSheet
) -> None:
    if sheet.image is None:
        return
    report.add_section(title, text)
    report.add_image(sheet.image, alt=title, caption=sheet.remark)


def _add_map(report: HtmlReport, pictures: RetrievalPictures) -> None:
    if pictures.embedding is None:
        return
    report.add_section(
        'A map of a few people',
        'Each point is an image, and images of similar features lie close. '
        'On the left, each person should be a group of its own. Where there '
        'is a right side, it has the same points: cameras should be mixed '
        'within a person. Distances between groups mean little.',
    )
    report.add_figure(
        pictures.embedding, alt='Features of a few people on a plane'
    )


def _add_activation(report: HtmlReport, pictures: RetrievalPictures) -> None:
    if pictures.activation is None:
        return
    report.add_section(
        'Where the model looks',
        'Bright places of an image add most to its feature. Each map is '
        'scaled by itself, so that brightness cannot be compared between '
        'images.',
    )
    report.add_image(pictures.activation, alt='Images with activation maps')


def _add_data(report: HtmlReport, result: RetrievalResult) -> None:
    features = result.features
    query, junk = features.is_query, features.pid < 0
    asked = np.isin(features.pid, features.pid[query & ~junk])
    rows: list[list[Cell]] = []
    for name, part in (('query', query), ('gallery', ~query)):
        people = np.unique(features.pid[part & asked & ~junk])
        rows.append(
            [
                name,
                int(part.sum()),
                len(people),
                len(np.unique(features.cam_id[part])),
                int((part & junk).sum()),
                int((part & ~junk & ~asked).sum()),
            ]
        )
    report.add_section('Data')
    header = ['', f'{result.unit}s', 'people asked for', 'cameras']
    report.add_table([*header, 'junk', 'distractors'], rows)
    report.add_text(
        f'Junk ({result.unit}s of identity -1) counts neither for nor '
        f'against. Distractors show nobody that a query asks for; they stay '
        f'in the gallery as wrong answers.'
    )


def _add_settings(
    report: HtmlReport, settings: Mapping[str, Any], command: str
) -> None:
    if not settings and not command:
        return
    report.add_section('What was run')
    if settings:
        report.add_table(
            ['setting', 'value'],
            [[str(name), _plain(value)] for name, value in settings.items()],
        )
    if command:
        report.add_code(command)


def _plain(value: Any) -> str:
    if value is None or value == () or value == []:
        return 'none'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, Mapping):
        return ', '.join(f'{k} = {_plain(v)}' for k, v in value.items())
    if isinstance(value, list | tuple):
        return ', '.join(map(_plain, value))
    return str(value)
