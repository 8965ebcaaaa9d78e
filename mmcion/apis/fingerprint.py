"""The fingerprint of a result: data, weights, options and seed behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.engine.unwrap import unwrapped_model
from mmcion.evaluation import ReIDMetric
from mmcion.models.weights import MatchReport, find_origin, read_checkpoint
from mmcion.registry import HOOKS
from mmcion.utils.io import hash_file
from mmcion.version import __version__

_JUNK = -1
_EARLIER = 'before_resuming'


@HOOKS.register_module()
class FingerprintHook(Hook):
    """Write the fingerprint of a training into its checkpoints.

    It is ``meta['fingerprint']``, see ``fingerprint``. A resumed run warns
    where data, weights or options are no longer those of the checkpoint, and
    keeps those under ``before_resuming``.
    """

    priority = 'VERY_LOW'  # once all others have accepted the run

    def __init__(self) -> None:
        self._own: dict[str, Any] = {}
        self._saved: dict[str, Any] = {}

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Remember what the resumed run was."""
        if runner._resume:
            self._saved = checkpoint['meta'].get('fingerprint', {})

    def before_train(self, runner: Runner) -> None:
        """Take the fingerprint, while the files are those that were read."""
        if not is_main_process():
            return
        loops = {'train': runner.train_loop, 'val': runner.val_loop}
        self._own = fingerprint(runner, loops)
        if whole := self._saved.get('weights', {}).get('model'):
            self._own['weights']['model'] = whole  # load_from of its start
        changed = [
            f'{name}: {before} -> {self._own.get(name)}'
            for name, before in self._saved.items()
            if name not in (_EARLIER, 'version')
            and before != self._own.get(name)
        ]
        if changed:
            runner.logger.warning(f'resuming with other {"; ".join(changed)}')
            self._own[_EARLIER] = self._saved
        elif _EARLIER in self._saved:
            self._own[_EARLIER] = self._saved[_EARLIER]

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Add it to the checkpoint."""
        checkpoint['meta']['fingerprint'] = self._own


def fingerprint(runner: Runner, loops: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a training or a test depends on, ready for JSON.

    Args:
        runner: Its model has loaded its weights.
        loops: Loops by what they do: ``'train'``, ``'val'``, ``'test'``; None
            where there is none.
    """
    model = unwrapped_model(runner)
    known = {name: loop for name, loop in loops.items() if loop is not None}
    options: dict[str, Any] = {
        name: getattr(model, name)
        for name in ('neck_feat', 'flip_test')
        if hasattr(model, name)
    }
    for loop in known.values():
        evaluator = getattr(loop, 'evaluator', None)  # training has none
        for metric in evaluator.metrics if evaluator else ():
            if isinstance(metric, ReIDMetric):
                options |= metric.scored_with or metric.options.to_dict()
    weights = {
        part: _describe_weights(report)
        for part, report in getattr(model, 'loaded', {}).items()
    }
    if runner._load_from and not runner._resume:
        content = read_checkpoint(runner._load_from)
        weights['model'] = {
            'file': Path(runner._load_from).name,
            'sha256': hash_file(runner._load_from),
            'training': find_origin(content).fingerprint,
        }
    found = {
        'data': {
            name: describe_data(loop.dataloader.dataset)
            for name, loop in known.items()
        },
        'weights': weights,
        'options': options,
        'seed': runner.seed,
        'version': __version__,
    }
    # of plain types, the same in a checkpoint and in a JSON file
    return json.loads(json.dumps(found))


def _describe_weights(report: MatchReport) -> dict[str, Any]:
    return {
        'file': Path(report.file).name,
        'sha256': hash_file(report.file),
        'coverage': report.coverage,  # of the network's tensors
        'tensors': len(report.found),
        'tensors_in_file': len(report.given),
        'training': report.fingerprint,
    }


def describe_data(dataset: Any) -> dict[str, Any]:
    """Return name, version and counts of a data set.

    Junk is not counted. ``labels`` is a hash of identities and cameras in
    their order, by which sets of equal counts differ.
    """
    name = getattr(dataset, 'title', type(dataset).__name__)
    found: dict[str, Any] = {'set': name}
    if (version := getattr(dataset, 'version', None)) is not None:
        found['version'] = version
    if parts := getattr(dataset, 'datasets', None):
        found['sets'] = [describe_data(part) for part in parts]
    if not hasattr(dataset, 'pids'):
        return {**found, 'images': len(dataset)}
    pids = np.asarray(dataset.pids)
    cam_ids, is_query = (
        np.asarray(getattr(dataset, column, np.full(len(pids), default)))
        for column, default in (('cam_ids', -1), ('is_query', False))
    )
    rows = {'': np.ones(len(pids), bool)}
    if is_query.any():  # of a test
        rows = {'query': is_query, 'gallery': ~is_query}
    for part, own in rows.items():
        kept = own & (pids != _JUNK)
        counts = {
            'images': int(kept.sum()),
            'identities': len(np.unique(pids[kept])),
            'cameras': len(np.unique(cam_ids[kept])),
        }
        found |= {part: counts} if part else counts
    digest = hashlib.sha256()
    for column in (pids, cam_ids, is_query):
        digest.update(np.ascontiguousarray(column, np.int32).tobytes())
    return {**found, 'labels': digest.hexdigest()[:16]}
