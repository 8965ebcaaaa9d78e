"""The report of a test: report.html and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch import nn

from mmcion.structures import RetrievalResult
from mmcion.visualization import (
    activation_sheet,
    draw_retrieval,
    write_retrieval_report,
)

from .cam import activation_maps

_ACTIVATIONS = 8  # queries with activation maps


def report_retrieval(
    result: RetrievalResult,
    folder: str | Path,
    *,
    title: str,
    settings: Mapping[str, Any] | None = None,
    command: str = '',
    model: nn.Module | None = None,
) -> Path:
    """Write ``report.html`` and its pictures as PNG files.

    Args:
        result: of ``evaluate_features``, with ``keep_nearest`` images.
        folder: made if it is missing.
        title: of the page.
        settings: what was run, by name.
        command: that made the result.
        model: for activation maps of some queries; its ``cfg`` tells the
            transforms.

    Returns:
        Path of the page.
    """
    activation = None if model is None else _activation(result, model)
    pictures = draw_retrieval(result, activation=activation)
    pictures.save(folder)
    page = Path(folder) / 'report.html'
    write_retrieval_report(
        page,
        result,
        title=title,
        settings=settings,
        command=command,
        pictures=pictures,
    )
    print_log(f'report written to {page}', logger='current')
    return page


def _activation(
    result: RetrievalResult, model: nn.Module
) -> np.ndarray | None:
    """Draw maps of the best and worst queries; None if there are none."""
    asked = np.flatnonzero(result.num_matches > 0)
    order = asked[np.argsort(-result.ap[asked], kind='stable')]
    half = _ACTIVATIONS // 2
    chosen = list(dict.fromkeys([*order[:half], *order[-half:]]))
    if not chosen:
        return None
    features = result.features.take(result.query_rows[chosen])
    try:
        found = activation_maps(model, features.img_path.tolist())
    except (ValueError, OSError) as error:
        print_log(f'no activation maps: {error}', logger='current')
        return None
    labels = zip(features.pid, features.cam_id, strict=True)
    return activation_sheet(
        found.images,
        found.maps,
        names=[f'{pid} · c{cam_id}' for pid, cam_id in labels],
        notes=[f'AP {ap:.2f}' for ap in result.ap[chosen]],
        pairs=half,
    )
