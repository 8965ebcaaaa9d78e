"""DenoisePipeline: runs the levels of a config, resumes, writes the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from mmengine.logging import print_log

from mmcion.registry import DENOISERS
from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.io import atomic_file, hash_value, read_json, write_json
from mmcion.version import __version__

from .base_denoiser import BaseDenoiser
from .calibration import calibrate
from .noise import noise_rates

AUTO = 'auto'
Config = dict[str, Any]


class DenoisePipeline:
    """A list of levels, with thresholds calibrated where they say 'auto'.

    In a level's config ``sigma='auto'`` and ``delta='auto'`` become the
    calibrated values. A level that merges across videos may write
    ``sigma=dict(auto=1.25)``: that multiple of the calibrated value, because
    one person looks more different between videos than within a tracklet,
    and without labels that factor cannot be calibrated (ours).

    Args:
        stages: configs of registered denoisers, in order.
        calibration: arguments of ``calibrate``.
        work_dir: results of finished stages are kept here and reused when
            configuration and inputs are the same; None keeps nothing.

    Raises:
        ValueError: if ``stages`` is empty.
    """

    def __init__(
        self,
        stages: Sequence[Config],
        calibration: Config | None = None,
        work_dir: str | Path | None = None,
    ) -> None:
        if not stages:
            raise ValueError('a denoising pipeline needs at least one stage.')
        self.stages = [dict(stage) for stage in stages]
        self.calibration = dict(calibration or {})
        self.work_dir = None if work_dir is None else Path(work_dir)

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
        stages, calibration = self._resolve(table, features)
        labels = IdentityLabels.from_tracklets(table)
        key = hash_value([table.fingerprint(), features.fingerprint()])
        levels = [{'name': 'tracklets', **_counts(table, labels)}]
        for number, stage in enumerate(stages, 1):
            key = hash_value([key, stage])
            labels, level = self._stage(
                number, stage, key, table, features, labels, calibration
            )
            levels.append(level)
        labels.report = {
            'version': __version__,
            'stages': stages,
            'calibration': calibration,
            'inputs': {
                'table': table.fingerprint(),
                'features': features.fingerprint(),
                'extractor': features.meta,
            },
            'levels': levels,
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
        found = calibrate(table, features, **self.calibration)
        print_log(
            f'calibrated on {found.num_images} images and {found.num_pairs} '
            f'co-occurring pairs: sigma {found.sigma:.3f}, delta '
            f'{found.delta:.3f}',
            logger='current',
        )
        for stage, name, multiple in wanted:
            base = found.delta if name == 'delta' else found.sigma
            # beyond 2 no cosine distance exists
            stage[name] = min(base * multiple, 2.0)
        return stages, {**self.calibration, **found.to_dict()}

    def _stage(
        self,
        number: int,
        stage: Config,
        key: str,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        calibration: Config,
    ) -> tuple[IdentityLabels, Config]:
        name = stage['type']
        cached = self._load(number, name, key)
        if cached is not None:
            print_log(f'{name}: done before, reused', logger='current')
            return cached
        began = time.perf_counter()
        result = _build(number, stage)(table, features, labels)
        level = {
            'name': name,
            **_counts(table, result),
            **result.report,
            'seconds': round(time.perf_counter() - began, 3),
        }
        sigma = stage.get('sigma', calibration.get('sigma'))
        delta = stage.get('delta', calibration.get('delta'))
        if sigma is not None and delta is not None:
            level['noise'] = {
                'sigma': sigma,
                'delta': delta,
                'before': noise_rates(features, labels, sigma, delta),
                'after': noise_rates(features, result, sigma, delta),
            }
        print_log(_summary(level), logger='current')
        self._save(number, name, key, result, level)
        return result, level

    def _file(self, number: int, name: str) -> Path | None:
        if self.work_dir is None:
            return None
        return self.work_dir / 'stages' / f'{number:02d}_{name}.npz'

    def _load(
        self, number: int, name: str, key: str
    ) -> tuple[IdentityLabels, Config] | None:
        file = self._file(number, name)
        if file is None or not file.exists():
            return None
        try:
            level = read_json(file.with_suffix('.json'))
            with np.load(file) as saved:
                keys = {level.pop('key'), str(saved['key'])}
                identity = saved['identity']
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            print_log(f'{file} is damaged ({error}); done again', 'current')
            return None
        return (IdentityLabels(identity), level) if keys == {key} else None

    def _save(
        self,
        number: int,
        name: str,
        key: str,
        result: IdentityLabels,
        level: Config,
    ) -> None:
        file = self._file(number, name)
        if file is None:
            return
        write_json(file.with_suffix('.json'), {'key': key, **level})
        with atomic_file(file) as temporary, open(temporary, 'wb') as stream:
            np.savez(stream, identity=result.identity, key=np.array(key))


def _build(number: int, stage: Config) -> BaseDenoiser:
    try:
        return DENOISERS.build(stage)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'stage {number} of the pipeline, {stage}, cannot be built: '
            f'{error}. Registered are {sorted(DENOISERS.module_dict)}.'
        ) from error


def _multiple(value: Any) -> float | None:
    """Return the multiple that an 'auto' value asks for, None if none."""
    if value == AUTO:
        return 1.0
    if isinstance(value, dict) and set(value) == {AUTO}:
        return float(value[AUTO])
    return None


def _counts(table: TrackletTable, labels: IdentityLabels) -> Config:
    keep = labels.keep
    pairs = np.unique(
        np.stack((labels.identity[keep], table.video_id[keep])), axis=1
    )
    videos = np.unique(pairs[0], return_counts=True)[1]
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
