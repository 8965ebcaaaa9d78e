"""The page about a ranking: scores, curves, queries and embeddings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mmcion.structures import RetrievalResult

from .charts import save_figure
from .dataset_tiles import ReIDLabels
from .embedding_map import EmbeddedImages, embedding_map
from .image_grid import image_grid, save_image
from .report import TEMPLATES, write_report
from .retrieval_charts import average_precision_chart, cmc_chart, roc_chart
from .retrieval_tiles import (
    confident_errors,
    random_queries,
    ranked_groups,
    worst_queries,
)
from .text import format_number, percent
from .tiles import TileGroup

_QUERIES = 8  # of each kind
_RATIOS = re.compile(r'mAP|mINP|Rank-\d+|TPR')
# regular expressions of names, and what they mean
_MEANINGS = {
    r'mAP': 'Mean over queries of the average precision of their ranking',
    r'mINP': 'Mean over queries of the number of matches divided by the rank '
    'of the last one',
    r'Rank-1': 'Queries whose nearest image is a match',
    r'Rank-(\d+)': r'Queries with a match among the \1 nearest images',
    r'TPR@FPR=(.+)': r'Matching pairs accepted at the distance that accepts a '
    r'fraction of \1 of the other pairs',
    r'num_queries': 'All queries',
    r'num_valid_queries': 'Queries with a match in the gallery; the others do '
    'not count in the means',
    r'num_tied_queries': 'Queries with a match exactly as far as another '
    'image',
}


@dataclass(frozen=True)
class Score:
    """A score as the page shows it, such as ``mAP (reverse)``."""

    name: str
    value: str
    meaning: str  # empty if unknown

    @classmethod
    def from_metric(cls, key: str, value: float) -> Score:
        """Read a score such as ``reid/reverse/mAP``."""
        # reid/reverse/mAP is mAP where gallery and queries are exchanged
        direction, _, name = key.removeprefix('reid/').rpartition('/')
        shown = format_number(float(value))
        if _RATIOS.match(name):
            shown = percent(value)
        elif name.startswith('num_'):
            shown = format_number(int(value))
        meanings = [
            found.expand(text)
            for pattern, text in _MEANINGS.items()
            if (found := re.fullmatch(pattern, name))
        ]
        label = name.removeprefix('num_').replace('_', ' ')
        if direction:
            label += f' ({direction})'
        return cls(label, shown, meanings[0] if meanings else '')


def write_retrieval_report(
    folder: str | Path,
    result: RetrievalResult,
    *,
    title: str = 'Person re-identification',
    settings: Mapping[str, Any] | None = None,
    command: str = '',
    activation: Sequence[TileGroup] = (),
) -> Path:
    """Write ``report.html``, and its charts and crops as PNG files.

    Equal inputs give equal files.

    Args:
        folder: Folder to write to; created if it is missing.
        result: Ranking.
        title: Title of the page.
        settings: Settings of the run by name, such as config and checkpoint.
        command: Command that made the result.
        activation: Activation maps, see ``activation_group``.

    Returns:
        Path of the page.
    """
    folder = Path(folder)
    features, valid = result.features, result.num_matches > 0
    labels = ReIDLabels(features.pid, features.cam_id, features.is_query)
    # charts and crops by the name of their file; what is missing is left out
    charts: dict[str, Figure] = {}
    if len(result.cmc):
        charts['cmc'] = cmc_chart(result.cmc)
    if result.roc is not None:
        charts['roc'] = roc_chart(result.roc)
    if valid.any():
        charts['average_precision'] = average_precision_chart(result.ap[valid])
    # t-SNE is computed once for both maps
    images = EmbeddedImages.from_features(features)
    if len(images.pid):
        charts['embedding_map'] = embedding_map(images, 'identity')
        if len(np.unique(images.cam_id)) > 1:
            charts['embedding_map_cameras'] = embedding_map(images, 'camera')
    chosen = {
        'random_queries': random_queries(result, _QUERIES),
        'worst_queries': worst_queries(result, _QUERIES),
        'confident_errors': confident_errors(result, _QUERIES),
    }
    crops = {
        name: ranked_groups(result, rows) for name, rows in chosen.items()
    }
    crops['activation_maps'] = list(activation)
    for name, figure in charts.items():
        save_figure(figure, folder / f'{name}.png')
    for name, groups in crops.items():
        if groups:
            save_image(image_grid(groups), folder / f'{name}.png')
    page = folder / 'report.html'
    write_report(
        page,
        TEMPLATES / 'retrieval_page.html.jinja',
        title=title,
        result=result,
        num_valid=int(valid.sum()),
        scores=[Score.from_metric(*item) for item in result.scores.items()],
        num_gallery=int((~features.is_query).sum()),
        parts=labels.count_parts(),
        charts=charts,
        crops=crops,
        settings=settings or {},
        command=command,
    )
    return page
