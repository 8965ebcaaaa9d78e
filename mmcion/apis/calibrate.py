"""Calibrate a model: from which similarity on is it the same person?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmcion.evaluation import ThresholdCalibration, calibrate_threshold
from mmcion.models.weights import read_model_file, store_threshold
from mmcion.models.weights.threshold import calibrated_path
from mmcion.structures import ReIDFeatures
from mmcion.utils.checks import (
    UserError,
    check_interval,
    check_new,
    name_in_errors,
)
from mmcion.utils.io import hash_file

from .features import FeatureExtractor

_NUM_SAMPLES = 8
# How far from 1 the cosine of two features of one image by one model may be.
# Half precision is nearer; another image size or the mean with the mirrored
# image is farther. The limit is lower if all images are alike to the model.
_SAME_FEATURE, _RATIO_OF_SPREAD, _ROUNDING = 1e-3, 0.05, 1e-5


class CalibratedModel(NamedTuple):
    """Result of ``calibrate_model``."""

    path: Path  # model file with the threshold
    calibration: ThresholdCalibration
    num_verified: int  # images whose features were extracted again
    replaced: float | None  # similarity that was stored before


def calibrate_model(
    features: str | Path,
    model: str | Path,
    *,
    false_match_rate: float,
    out: str | Path | None = None,
    ignore_cameras: bool = False,
    custom_imports: bool = False,
    overwrite: bool = True,
) -> CalibratedModel:
    """Find the threshold of a model, and store it in a copy of its file.

    The features must be those of the model: some of the images, if they
    exist, are extracted again. Without any ``cam_id``, all images of an
    identity match.

    Args:
        features: ``.npz`` file of ``ReIDMetric(dump_features=...)``.
        model: Model file that they were extracted with.
        false_match_rate: Ratio of pairs of two identities that may count as
            the same person, in (0, 1); see ``calibrate_threshold``.
        out: See ``store_threshold``.
        ignore_cameras: Whether images of the same identity and camera match.
        custom_imports: See ``get_model``.
        overwrite: Whether to replace an existing file.

    Raises:
        FileNotFoundError: If a file is missing.
        UserError: If a file is damaged, the features are not the model's, no
            threshold reaches the rate, or ``out`` is ``model``.
    """
    check_interval('(0, 1)', false_match_rate=false_match_rate)
    if Path(model).suffix == '.npz':
        raise UserError(f'give FEATURES.npz MODEL.pth, not {features} {model}')
    _, spec = read_model_file(model)
    # both refuse before the long part
    target, _ = calibrated_path(model, out)
    check_new(target, overwrite=overwrite)
    data = ReIDFeatures.load(features)
    extractor = FeatureExtractor(
        model, 'cpu', num_workers=0, custom_imports=custom_imports
    )
    # (n,) rows of some images that are on this machine
    chosen = np.linspace(0, len(data) - 1, _NUM_SAMPLES).round().astype(int)
    rows = [
        row for row in np.unique(chosen) if Path(data.img_path[row]).is_file()
    ]
    paths = [str(data.img_path[row]) for row in rows]
    found = extractor(paths)  # without images still (0, D)
    num_dims = data.feature.shape[1]
    if num_dims != found.shape[1]:
        raise UserError(
            f'{features} has features of {num_dims} dimensions, but {model} '
            f'gives {found.shape[1]}: extract them with it.'
        )
    cosines, tolerance = _compare(data.feature[rows], found)
    if (1 - cosines > tolerance).any():
        worst = int(cosines.argmin())
        raise UserError(
            f'{features} was not extracted with {model}: the feature of '
            f'{paths[worst]} has a cosine of {cosines[worst]:.4f} to its own, '
            f'at size {spec.input_size}, with neck, flipped only if it does.'
        )
    query, gallery = (
        data.take(np.flatnonzero(rows))
        for rows in (data.is_query, ~data.is_query)
    )
    # a data set without cameras has none to exclude
    has_cameras = (data.cam_id >= 0).any() and not ignore_cameras
    with name_in_errors(features):
        calibration = calibrate_threshold(
            query.feature,
            gallery.feature,
            query.pid,
            gallery.pid,
            query.cam_id if has_cameras else None,
            gallery.cam_id if has_cameras else None,
            false_match_rate=false_match_rate,
        )
    threshold = {**asdict(calibration), 'features_sha256': hash_file(features)}
    return CalibratedModel(
        store_threshold(model, threshold, out),
        calibration,
        len(paths),
        spec.threshold['similarity'] if spec.threshold else None,
    )


def _compare(given: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, float]:
    """Return cosines of features ``(n, D)``, and how far from 1 they may be.

    ``given`` has vectors of any length, ``found`` of length 1.
    """
    given = given.astype(np.float64)
    given /= np.maximum(np.linalg.norm(given, axis=1, keepdims=True), 1e-12)
    cosines = np.einsum('nd,nd->n', given, found)
    if len(found) < 2:
        return cosines, _SAME_FEATURE
    # (n, n) -> the mean distance of two different images
    others = ~np.eye(len(found), dtype=bool)
    limit = _RATIO_OF_SPREAD * float((1 - found @ found.T)[others].mean())
    return cosines, float(np.clip(limit, _ROUNDING, _SAME_FEATURE))
