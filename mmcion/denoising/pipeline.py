"""DenoisePipeline: runs the levels of a config, resumes, writes the report."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)
from mmcion.utils.io import hash_value
from mmcion.utils.shards import Shards
from mmcion.version import __version__

from .base_denoiser import BaseDenoiser
from .calibration import calibrate
from .noise import noise_rates
from .stage_results import StageResults

AUTO = 'auto'
Config = dict[str, Any]
_ROUNDING = 1e-6  # of distances between equal features
_CALIBRATION = {
    parameter.name
    for parameter in inspect.signature(calibrate).parameters.values()
    if parameter.kind is parameter.KEYWORD_ONLY
} - {'shards'}


class DenoisePipeline:
    """A list of levels, with thresholds calibrated where they say 'auto'.

    In a level's config ``'auto'`` becomes the calibrated value that the
    level's ``calibrated`` names, and ``dict(auto=1.25)`` that multiple of
    it. Level 3 needs the second for its ``sigma``: one person looks more
    different between videos than within a tracklet, and without labels that
    factor cannot be calibrated (ours).

    All ranks of mmengine's process group share the work; each returns the
    whole result.

    Args:
        stages: configs of registered denoisers, in order.
        calibration: arguments of ``calibrate``.
        work_dir: results of finished stages, and of finished shards of the
            stage that was interrupted, are kept here and reused when
            configuration and inputs are the same; None keeps nothing.
        seed: handed to every level.

    Raises:
        ValueError: if ``stages`` is empty or one has no ``type``, or
            ``calibration`` has arguments that ``calibrate`` does not know.
    """

    def __init__(
        self,
        stages: Sequence[Config],
        calibration: Config | None = None,
        work_dir: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        _check_config(stages, calibration, seed)
        self.stages = [dict(stage) for stage in stages]
        self.calibration = dict(calibration or {})
        self.results = StageResults(work_dir)
        self.seed = seed

    def run(
        self, table: TrackletTable, features: FeatureStore
    ) -> IdentityLabels:
        """Denoise a table.

        Returns:
            The identities; their ``report`` holds counts, thresholds, noise
            rates and times per level.

        Raises:
            ValueError: if the features are not the table's, or a stage
                cannot be built.
        """
        features.check_table(table)
        repeated = _warn_of_repeated_frames(table)
        stages, calibration = self._resolve(table, features)
        levels = [
            _build(number, stage) for number, stage in enumerate(stages, 1)
        ]
        labels = IdentityLabels.from_tracklets(table, features)
        inputs = {
            'table': table.fingerprint(),
            'features': features.fingerprint(),
        }
        key = hash_value([__version__, *inputs.values(), self.seed])
        reports = [{'name': 'tracklets', **_counts(table, labels)}]
        noise: dict[str, Any] = {}  # of the labels so far
        for number, (stage, level) in enumerate(
            zip(stages, levels, strict=True), 1
        ):
            thresholds = _thresholds(stage, calibration)
            key = hash_value([key, stage, thresholds])
            name = f'{number:02d}_{stage["type"]}'
            found = self.results.load(name, key)
            if found is None:
                found = self._stage(
                    name, key, level, thresholds, table, features, labels,
                    noise,
                )  # fmt: skip
            else:
                print_log(f'{name}: done before, reused', logger='current')
            labels, report = found
            noise = report.get('noise', {})
            reports.append(report)
        labels.report = {
            'version': __version__,
            'seed': self.seed,
            'config': {
                'pipeline': self.stages,
                'calibration': self.calibration,
            },
            'config_hash': hash_value([self.stages, self.calibration]),
            'stages': stages,
            'calibration': calibration,
            'inputs': {
                **inputs,
                'extractor': features.meta,
                'unreadable_images': len(features.unreadable),
                'repeated_frames': repeated,
            },
            'levels': reports,
        }
        return labels

    def _resolve(
        self, table: TrackletTable, features: FeatureStore
    ) -> tuple[list[Config], Config]:
        """Replace 'auto' by numbers; calibrate only if something asks."""
        stages = deepcopy(self.stages)
        wanted = [
            (stage, name, multiple)
            for stage in stages
            for name, value in stage.items()
            if (multiple := _multiple(value)) is not None
        ]
        if not wanted:
            return stages, {}
        found = calibrate(table, features, shards=Shards(), **self.calibration)
        print_log(
            f'calibrated on {found.num_images} images and {found.num_pairs} '
            f'co-occurring pairs: sigma {found.sigma:.3f}, delta '
            f'{found.delta:.3f} within a video, {found.link_delta:.3f} '
            f'between videos',
            logger='current',
        )
        for stage, name, multiple in wanted:
            level = DENOISERS.get(stage['type']) or BaseDenoiser
            if name not in level.calibrated:
                raise ValueError(
                    f'{name} of {stage["type"]} cannot be "auto"; only '
                    f'{sorted(level.calibrated)} can.'
                )
            base = getattr(found, level.calibrated[name])
            if base < _ROUNDING:
                raise ValueError(
                    f'{name} of {stage["type"]} cannot be "auto": the images '
                    f'that it is calibrated on do not differ '
                    f'({level.calibrated[name]} would be {base:.2g}). Set it '
                    f'by hand in the config.'
                )
            # beyond 2 no cosine distance exists
            stage[name] = min(base * multiple, 2.0)
        return stages, {**self.calibration, **found.to_dict()}

    def _stage(
        self,
        name: str,
        key: str,
        level: BaseDenoiser,
        thresholds: tuple[float, float] | None,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        noise_before: Config,
    ) -> tuple[IdentityLabels, Config]:
        """Run a level, measure it and keep its result."""
        began = time.perf_counter()
        level.shards = self.results.shards(name, key)
        result = level(table, features, labels, self.seed)
        _check_result(name, table, features, result)
        report = {
            'name': type(level).__name__,
            **_counts(table, result),
            **result.report,
            'seconds': round(time.perf_counter() - began, 3),
        }
        if thresholds is not None:
            sigma, delta = thresholds
            same = (noise_before.get('sigma'), noise_before.get('delta'))
            report['noise'] = {
                'sigma': sigma,
                'delta': delta,
                'before': noise_before['after']
                if same == thresholds
                else noise_rates(features, labels, sigma, delta),
                'after': noise_rates(features, result, sigma, delta),
            }
        print_log(_summary(report), logger='current')
        self.results.save(name, key, result, report)
        return result, report


def _check_config(
    stages: Sequence[Config], calibration: Config | None, seed: int
) -> None:
    if isinstance(stages, str | dict) or not isinstance(stages, Sequence):
        raise ValueError(
            f'a denoising pipeline is a list of configs; got {stages!r}.'
        )
    if not stages:
        raise ValueError('a denoising pipeline needs at least one stage.')
    if calibration is not None and not isinstance(calibration, dict):
        raise ValueError(f'calibration is a dict; got {calibration!r}.')
    if not isinstance(seed, int):
        raise ValueError(f'seed is a whole number; got {seed!r}.')
    for number, stage in enumerate(stages, 1):
        if not isinstance(stage, dict) or not isinstance(
            stage.get('type'), str
        ):
            raise ValueError(
                f'stage {number} of the pipeline, {stage}, needs a "type", '
                f'the name of a registered denoiser.'
            )
    unknown = sorted(set(calibration or {}) - _CALIBRATION)
    if unknown:
        raise ValueError(
            f'calibration does not know {unknown}, only '
            f'{sorted(_CALIBRATION)}.'
        )


def _build(number: int, stage: Config) -> BaseDenoiser:
    try:
        return DENOISERS.build(stage)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'stage {number} of the pipeline, {stage}, cannot be built: '
            f'{str(error).rstrip(".")}. Registered are '
            f'{sorted(DENOISERS.module_dict)}.'
        ) from error


def _warn_of_repeated_frames(table: TrackletTable) -> int:
    """Count rows that share tracklet and frame with the row before."""
    same = np.diff(table.tracklet_index) == 0
    repeated = int((same & (np.diff(table.frame) == 0)).sum())
    if repeated:
        print_log(
            f'{repeated} images come from a frame in which their tracklet '
            f'has another image. A tracklet is one person, so they stay '
            f'together; if frames are not known, number them, or everybody '
            f'of a video was seen together.',
            logger='current',
            level=logging.WARNING,
        )
    return repeated


def _multiple(value: Any) -> float | None:
    """Return the multiple that an 'auto' value asks for, None if none."""
    if value == AUTO:
        return 1.0
    if not isinstance(value, dict) or set(value) != {AUTO}:
        return None
    multiple = value[AUTO]
    if not isinstance(multiple, int | float) or not multiple > 0:
        raise ValueError(
            f'dict(auto=...) takes a positive multiple; got {multiple!r}.'
        )
    return float(multiple)


def _thresholds(
    stage: Config, calibration: Config
) -> tuple[float, float] | None:
    """Return sigma and delta that a stage's noise is measured with."""
    sigma = stage.get('sigma', calibration.get('sigma'))
    # all identities are compared with all, as across videos
    delta = calibration.get('link_delta', stage.get('delta'))
    return None if sigma is None or delta is None else (sigma, delta)


def _check_result(
    name: str,
    table: TrackletTable,
    features: FeatureStore,
    result: IdentityLabels,
) -> None:
    if result.identity.shape != (len(table),):
        raise ValueError(
            f'{name} returned labels of shape {result.identity.shape} for '
            f'{len(table)} rows; a level must keep the rows and their order.'
        )
    kind, low = result.identity.dtype, result.identity.min(initial=UNASSIGNED)
    if not np.issubdtype(kind, np.integer) or low < UNASSIGNED:
        raise ValueError(
            f'{name} returned labels of type {kind} from {low} on; they must '
            f'be integers, {UNASSIGNED} or more.'
        )
    wrong = result.identity[features.unreadable] >= 0
    if wrong.any():
        raise ValueError(
            f'{name} gave an identity to {int(wrong.sum())} rows that have '
            f'no feature.'
        )


def _counts(table: TrackletTable, labels: IdentityLabels) -> Config:
    keep = labels.keep
    num_videos = max(len(table.videos), 1)
    seen = labels.identity[keep].astype(np.int64) * num_videos
    seen = np.unique(seen + table.video_id[keep])
    videos = np.bincount(seen // num_videos)
    return {
        'images': int(keep.sum()),
        'identities': labels.num_identities,
        'identities_in_several_videos': int((videos > 1).sum()),
    }


def _summary(level: Config) -> str:
    text = (
        f'{level["name"]}: {level["images"]} images, {level["identities"]} '
        f'identities, {level["identities_in_several_videos"]} of them in '
        f'several videos'
    )
    if 'noise' in level:
        before, after = level['noise']['before'], level['noise']['after']
        text += (
            f'; noise intra {before["intra"]:.1%} -> {after["intra"]:.1%}, '
            f'inter {before["inter"]:.1%} -> {after["inter"]:.1%}'
        )
    return text
