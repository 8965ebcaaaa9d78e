import logging
import time
from collections.abc import Sequence
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
from mmcion.utils.checks import UserError, check_at_least, check_choice
from mmcion.utils.io import hash_value
from mmcion.utils.result_folder import ResultFolder
from mmcion.version import __version__

from .auto_thresholds import Config, resolve_auto
from .base_denoiser import BaseDenoiser
from .calibration import calibrate
from .noise import noise_rates
from .self_check import self_check
from .stage_results import Result, StageResults


class DenoisePipeline:
    """A list of levels, with calibrated thresholds where they say 'auto'.

    All ranks of mmengine's process group share the work; each returns the
    whole result. What ``'auto'`` becomes: see ``resolve_auto``.

    Args:
        stages: Configs of registered denoisers, in order.
        calibration: Arguments of ``calibrate``.
        work_dir: Folder for the results of finished levels, and of finished
            chunks of the level that was interrupted, by the rules of
            ``ResultFolder``; None keeps nothing.
        seed: Seed that every level gets.
        overwrite: Whether to replace results of other settings or inputs.
        check: Options of ``self_check``; None leaves it out.
    """

    def __init__(
        self,
        stages: Sequence[Config],
        calibration: Config | None = None,
        work_dir: str | Path | None = None,
        seed: int = 0,
        overwrite: bool = False,
        check: Config | None = None,
    ) -> None:
        if not stages:
            raise UserError('a denoising pipeline needs at least one stage.')
        for number, stage in enumerate(stages, 1):
            kind = stage.get('type') if isinstance(stage, dict) else None
            if not isinstance(kind, str):
                raise UserError(
                    f'stage {number} of the pipeline must be a dict with a '
                    f'"type", the name of a denoiser; got {stage!r}.'
                )
        for kind, given, function in (
            ('calibration key', calibration, calibrate),
            ('option of the self-check', check, self_check),
        ):
            for name in given or {}:  # the keyword-only arguments
                check_choice(kind, name, function.__kwdefaults__ or {})
        check_at_least(0, seed=seed)
        self.stages = [dict(stage) for stage in stages]
        self.names = [f'{i:02d}_{s["type"]}' for i, s in enumerate(stages, 1)]
        self.calibration = dict(calibration or {})
        self.work_dir = work_dir
        self.seed = seed
        self.overwrite = overwrite
        self.check = check

    def run(
        self, table: TrackletTable, features: FeatureStore
    ) -> IdentityLabels:
        """Denoise a table.

        Returns:
            The identities; their ``report`` holds counts, thresholds, noise
            rates and times per level.

        Raises:
            UserError: If the features are not the table's, a stage cannot be
                built, or the folder has results of other settings.
        """
        features.check_table(table)
        table_key, feature_key = table.fingerprint(), features.fingerprint()
        inputs = {'table': table_key, 'features': feature_key}
        if self.work_dir is None:
            return self._run_levels(
                table, features, StageResults(None), inputs
            )
        settings = {
            'version': __version__,
            'seed': self.seed,
            # by name, so that an error can state the argument that differs
            'pipeline': dict(zip(self.names, self.stages, strict=True)),
            'calibration': self.calibration,
            'self_check': self.check,
        }
        with ResultFolder(
            self.work_dir,
            'identities',
            settings=settings,
            inputs=inputs,
            overwrite=self.overwrite,
        ) as folder:
            results = StageResults(folder.path)
            labels = self._run_levels(table, features, results, inputs)
            if not folder.is_complete:
                folder.finish()
        return labels

    def _run_levels(
        self,
        table: TrackletTable,
        features: FeatureStore,
        results: StageResults,
        inputs: dict[str, str],
    ) -> IdentityLabels:
        """Run the levels that have no results yet, and write the report."""
        num_repeated = _count_repeated_frames(table)
        stages, calibration = resolve_auto(
            self.stages, self.calibration, table, features
        )
        denoisers = _build(stages)
        labels = IdentityLabels.from_tracklets(table, features)
        own: Config = {'name': 'tracklets', **_counts(table, labels)}
        levels = [own]
        runs = zip(self.names, stages, denoisers, strict=True)
        for name, stage, denoiser in runs:
            # Noise is measured with the level's own sigma. All identities
            # are compared with all: hence noise_delta. What neither level nor
            # calibration has is that of the first level with one: the
            # paper's are the same in all levels.
            thresholds = {
                'sigma': stage.get('sigma', calibration.get('sigma')),
                'delta': calibration.get('noise_delta', stage.get('delta')),
            }
            for key, value in thresholds.items():
                others = (s[key] for s in stages if s.get(key) is not None)
                if value is None:
                    thresholds[key] = next(others, None)
            found = results.load(name)
            if found is None:
                denoiser.ranks = results.rank_pool(name)
                found = self._run_level(
                    name, denoiser, thresholds, table, features, labels,
                    levels[-1].get('noise', {}),
                )  # fmt: skip
                results.save(name, *found)
            else:
                print_log(f'{name}: done before, reused', logger='current')
            labels, report = found
            levels.append(report)
            # what the level calibrated itself
            calibration |= report.pop('calibration', {})
        checked = self._check(table, features, results)
        config = {'pipeline': self.stages, 'calibration': self.calibration}
        labels.report = {
            'version': __version__,
            'seed': self.seed,
            'config': config,
            'config_hash': hash_value([self.stages, self.calibration]),
            'stages': stages,
            'calibration': calibration,
            'inputs': {
                **inputs,
                'extractor': features.meta,
                'unreadable_images': len(features.unreadable),
                'repeated_frames': num_repeated,
            },
            'levels': levels,
            **({'self_check': checked} if checked else {}),
        }
        return labels

    def _check(
        self,
        table: TrackletTable,
        features: FeatureStore,
        results: StageResults,
    ) -> Config:
        """Return the self-check, empty if there is none."""
        if self.check is None:
            return {}
        found = results.load('self_check')
        if found is None:
            pipeline = DenoisePipeline(
                self.stages, self.calibration, seed=self.seed
            )
            checked = self_check(
                pipeline.run, table, features, seed=self.seed, **self.check
            )
            # an empty labelling: only the report is of use
            found = IdentityLabels(np.zeros(0, np.int32)), checked
            results.save('self_check', *found)
        return found[1]

    def _run_level(
        self,
        name: str,
        denoiser: BaseDenoiser,
        thresholds: dict[str, Any],
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        noise_before: Config,
    ) -> Result:
        """Run a level and measure it; return its labels and report."""
        began = time.perf_counter()
        result = denoiser(table, features, labels, self.seed)
        identity, shape = result.identity, (len(table),)
        if identity.shape != shape or identity.dtype.kind not in 'iu':
            raise UserError(
                f'{name} must return integers of shape {shape}; got '
                f'{identity.dtype} of shape {identity.shape}.'
            )
        # (N,) bool: a level of a user's own may make any mistake
        wrong = identity < UNASSIGNED
        wrong[features.unreadable] |= identity[features.unreadable] >= 0
        if wrong.any():
            row = wrong.argmax()
            raise UserError(
                f'{name} must return identities >= {UNASSIGNED}, {UNASSIGNED} '
                f'without a feature; row {row} has {identity[row]}.'
            )
        report = {
            'name': type(denoiser).__name__,
            **_counts(table, result),
            **result.report,
            'seconds': round(time.perf_counter() - began, 3),
        }
        text = (
            '{name}: {images} images, {identities} identities, '
            '{identities_in_several_videos} of them in several videos'
        ).format_map(report)
        if None not in thresholds.values():
            # the level before may have measured these labels already
            before = (
                noise_before['after']
                if thresholds.items() <= noise_before.items()
                else noise_rates(features, labels, **thresholds)
            )
            after = noise_rates(features, result, **thresholds)
            report['noise'] = {**thresholds, 'before': before, 'after': after}
            text += (
                f'; noise intra {before["intra"]:.1%} -> {after["intra"]:.1%}'
                f', inter {before["inter"]:.1%} -> {after["inter"]:.1%}, '
                f'n_S {before["n_s"]:.4g} -> {after["n_s"]:.4g}'
            )
        print_log(text, logger='current')
        return result, report


def _build(stages: list[Config]) -> list[BaseDenoiser]:
    """Build all levels, before the first of them runs for hours."""
    denoisers = []
    for number, stage in enumerate(stages, 1):
        try:
            denoisers.append(DENOISERS.build(stage))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f'stage {number} of the pipeline, {stage}, cannot be built: '
                f'{str(error).rstrip(".")}. Registered are '
                f'{", ".join(sorted(DENOISERS.module_dict))}.'
            ) from error
    return denoisers


def _count_repeated_frames(table: TrackletTable) -> int:
    """Count rows that share tracklet and frame with the row before."""
    same_tracklet = np.diff(table.tracklet_index) == 0
    repeated = int((same_tracklet & (np.diff(table.frame) == 0)).sum())
    if repeated:
        print_log(
            f'{repeated} images come from a frame in which their tracklet has '
            f'another image. They stay together; if frames are not known, '
            f'number them, or all identities of a video co-occur.',
            logger='current',
            level=logging.WARNING,
        )
    return repeated


def _counts(table: TrackletTable, labels: IdentityLabels) -> Config:
    keep = labels.keep
    num_videos = max(len(table.videos), 1)
    # distinct pairs (identity, video)
    seen = labels.identity[keep].astype(np.int64) * num_videos
    seen = np.unique(seen + table.video_id[keep])
    videos = np.bincount(seen // num_videos)
    return {
        'images': int(keep.sum()),
        'identities': labels.num_identities,
        'identities_in_several_videos': int((videos > 1).sum()),
    }
