"""All pictures of a ranking result, made once for files and for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mmcion.structures import RetrievalResult

from .charts import figure_rgb
from .embedding_map import embedding_map
from .picture_file import save_picture
from .retrieval_charts import average_precision_chart, cmc_chart, roc_chart
from .retrieval_sheets import (
    LoadPath,
    RetrievalSheet,
    confident_errors,
    random_queries,
    retrieval_sheet,
    worst_queries,
)


@dataclass
class RetrievalPictures:
    """Pictures of one ranking result; None where there is nothing to draw.

    Attributes:
        cmc: see ``cmc_chart``.
        roc: see ``roc_chart``.
        average_precision: see ``average_precision_chart``.
        random: queries drawn at random.
        worst: queries of lowest average precision.
        errors: nearest wrong answers, see ``confident_errors``.
        embedding: see ``embedding_map``.
        activation: ``(H, W, 3)`` uint8 RGB, as from ``activation_sheet``.
    """

    cmc: Figure | None
    roc: Figure | None
    average_precision: Figure | None
    random: RetrievalSheet
    worst: RetrievalSheet
    errors: RetrievalSheet
    embedding: Figure | None
    activation: np.ndarray | None = None

    def save(self, folder: str | Path) -> list[Path]:
        """Write the pictures as PNG files, each atomically.

        Args:
            folder: made if it is missing.

        Returns:
            The files, of those pictures that there are.
        """
        pictures: dict[str, Figure | np.ndarray | None] = {
            'cmc': self.cmc,
            'roc': self.roc,
            'average_precision': self.average_precision,
            'random_queries': self.random.image,
            'worst_queries': self.worst.image,
            'confident_errors': self.errors.image,
            'embedding_map': self.embedding,
            'activation_maps': self.activation,
        }
        files = []
        for name, picture in pictures.items():
            if picture is None:
                continue
            if isinstance(picture, Figure):
                picture = figure_rgb(picture)
            files.append(Path(folder) / f'{name}.png')
            save_picture(picture, files[-1])
        return files


def draw_retrieval(
    result: RetrievalResult,
    *,
    name: str = 'this model',
    queries: int = 8,
    places: int = 10,
    method: str = 'tsne',
    people: int | Sequence[int] = 12,
    load: LoadPath | None = None,
    activation: np.ndarray | None = None,
    seed: int = 0,
) -> RetrievalPictures:
    """Draw what there is to see of a ranking result.

    Args:
        result: the ranking.
        name: of the curves.
        queries: rows of each ranked list; 0 leaves these pictures out.
        places: gallery images per row.
        method: of the map, see ``project``.
        people: on the map, see ``embedding_map``; 0 leaves it out.
        load: see ``retrieval_sheet``.
        activation: ``(H, W, 3)`` uint8 RGB, a picture to go with them.
        seed: of what is drawn at random.

    Raises:
        ValueError: if ``queries`` or ``places`` is negative, or as
            ``project``.
        ImportError: as ``project``.
    """
    for option, value in (('queries', queries), ('places', places)):
        if value < 0:
            raise ValueError(f'{option} must not be negative; got {value}.')
    matched = result.ap[result.num_matches > 0]
    roc = result.roc
    sheets = [
        retrieval_sheet(result, chosen, places=places, load=load)
        for chosen in (
            random_queries(result, queries, seed=seed),
            worst_queries(result, queries),
            confident_errors(result, queries),
        )
    ]
    return RetrievalPictures(
        cmc=cmc_chart({name: result.cmc}) if len(result.cmc) else None,
        roc=roc_chart({name: (roc.fpr, roc.tpr)}) if roc is not None else None,
        average_precision=average_precision_chart(matched)
        if len(matched)
        else None,
        random=sheets[0],
        worst=sheets[1],
        errors=sheets[2],
        embedding=_embedding(result, method, people, seed),
        activation=activation,
    )


def _embedding(
    result: RetrievalResult,
    method: str,
    people: int | Sequence[int],
    seed: int,
) -> Figure | None:
    features = result.features
    known = features.pid >= 0
    if not known.any() or (isinstance(people, int) and people < 1):
        return None
    return embedding_map(
        features.feature,
        features.pid,
        features.cam_id,
        features.is_query,
        method=method,
        people=people,
        seed=seed,
    )
