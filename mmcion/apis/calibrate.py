"""Calibrate a model on labelled features: who counts as one person?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmcion.evaluation import ThresholdCalibration, calibrate_threshold
from mmcion.models.utils.model_threshold import (
    find_output,
    read_calibratable,
    store_threshold,
)
from mmcion.models.zoo import get_architecture
from mmcion.structures import ReIDFeatures
from mmcion.utils.io import hash_file

from .feature_extractor import FeatureExtractor
from .model_zoo import load_model

_NUM_SAMPLES = 8
# How far the cosine of one image's features by one model may be from 1: half
# precision is nearer, another image size or the mean with the mirror image
# farther; less where all images are alike to the model.
_SAME_FEATURE, _SHARE_OF_SPREAD, _ROUNDING = 1e-3, 0.05, 1e-5


class CalibratedModel(NamedTuple):
    """What ``calibrate_model`` did.

    Attributes:
        path: of the model file with the threshold.
        calibration: the threshold, and how pairs fare by it.
        num_verified: images whose features were extracted again.
        replaced: similarity that was stored before, if any.
    """

    path: Path
    calibration: ThresholdCalibration
    num_verified: int
    replaced: float | None


def calibrate_model(
    features: str | Path,
    model: str | Path,
    *,
    false_match_rate: float,
    out: str | Path | None = None,
    ignore_cameras: bool = False,
) -> CalibratedModel:
    """Find the threshold of a model, and store it in a copy of its file.

    - Features must be those of the model: the number of their dimensions is
      checked, and some of the images, where they are, are extracted again.
    - Where no image has a camera, all images of a person match.

    Args:
        features: ``.npz`` file that ``ReIDMetric(dump_features=...)`` wrote.
        model: model file that they were extracted with.
        false_match_rate: share of pairs of two people that may count as one
            person, in (0, 1); see ``calibrate_threshold``.
        out: see ``store_threshold``.
        ignore_cameras: let images of one person and camera match too.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged or of another kind, the features are
            not those of the model, no threshold does what is asked, or
            ``out`` is ``model``.
    """
    meta = read_calibratable(model)['meta']
    find_output(model, out)  # before the long part
    data = ReIDFeatures.load(features)
    num_features = get_architecture(meta['arch']).num_features
    if data.feature.shape[1] != num_features:
        raise ValueError(
            f'{features} holds features of {data.feature.shape[1]} '
            f'dimensions, but {meta["arch"]} of {model} gives '
            f'{num_features}; extract them with this model.'
        )
    num_verified = _verify(features, data, model)
    query, gallery = (
        data.take(np.flatnonzero(rows))
        for rows in (data.is_query, ~data.is_query)
    )
    has_cameras = (data.cam_id >= 0).any() and not ignore_cameras
    try:
        calibration = calibrate_threshold(
            query.feature,
            gallery.feature,
            query.pid,
            gallery.pid,
            query.cam_id if has_cameras else None,
            gallery.cam_id if has_cameras else None,
            false_match_rate=false_match_rate,
        )
    except ValueError as error:
        raise ValueError(f'{features}: {error}') from error
    threshold = {**asdict(calibration), 'features_sha256': hash_file(features)}
    return CalibratedModel(
        store_threshold(model, threshold, out),
        calibration,
        num_verified,
        meta.get('threshold', {}).get('similarity'),
    )


def _verify(source: str | Path, data: ReIDFeatures, model: str | Path) -> int:
    """Compare features with those that the model gives some images now.

    Returns:
        How many images; 0 if they are not here.

    Raises:
        ValueError: if the features differ; names an image.
    """
    chosen = np.linspace(0, len(data) - 1, _NUM_SAMPLES).round().astype(int)
    rows = [
        row for row in np.unique(chosen) if Path(data.img_path[row]).is_file()
    ]
    if not rows:
        return 0
    extractor = FeatureExtractor(load_model(model), num_workers=0)
    found = extractor([str(data.img_path[row]) for row in rows])
    given = data.feature[rows].astype(np.float64)
    given /= np.maximum(np.linalg.norm(given, axis=1, keepdims=True), 1e-12)
    cosines = np.einsum('nd,nd->n', given, found)
    worst = int(cosines.argmin())
    if 1 - cosines[worst] > _tolerance(found):
        raise ValueError(
            f'{source} was not extracted with {model}: the feature of '
            f'{data.img_path[rows[worst]]} has a cosine of '
            f'{cosines[worst]:.4f} with the one that the model gives at its '
            f'image size, {extractor.meta["input_size"]}. Extract features '
            f'as ReIDInferencer does: this model, images of this size, no '
            f'flipping, no layers behind the backbone.'
        )
    return len(rows)


def _tolerance(features: np.ndarray) -> float:
    """Return how far features ``(N, D)`` of length 1 may be off."""
    others = ~np.eye(len(features), dtype=bool)
    if not others.any():
        return _SAME_FEATURE
    spread = float((1 - features @ features.T)[others].mean())
    return float(np.clip(_SHARE_OF_SPREAD * spread, _ROUNDING, _SAME_FEATURE))
