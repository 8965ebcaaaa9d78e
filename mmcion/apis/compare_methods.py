"""Train several methods on equal terms and compare their features."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from scipy.stats import t as student_t

from mmcion.datasets.reid import ReIDDataset
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError, check_at_least
from mmcion.utils.io import hash_value, read_json, write_json

from .own_data import prepare_data, use_own_data

_METRIC = 'reid/mAP'


@dataclass(frozen=True)
class Method:
    """A recipe with the images that it trains on.

    Attributes:
        name: Name in the table.
        cfg: Config of training.
        data: Its training images, in a form that ``read_set`` takes.
    """

    name: str
    cfg: Config
    data: str


@dataclass(frozen=True)
class MethodCurve:
    """Scores of a method over its training.

    Attributes:
        name: Name of the method.
        images: ``(S,)`` images seen at each evaluation, the first one before
            training. All views of an image count as one.
        mean_ap: ``(seeds, S)`` mAP of direct transfer.
    """

    name: str
    images: list[int]
    mean_ap: list[list[float]]

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and half width of the 95 % interval, ``(S,)`` each.

        The interval is Student's t over seeds; it is 0 for a single one.
        """
        scores = np.array(self.mean_ap)
        count, mean = len(scores), scores.mean(0)
        if count == 1:
            return mean, np.zeros_like(mean)
        error = scores.std(0, ddof=1) / np.sqrt(count)
        return mean, student_t.ppf(0.975, count - 1) * error


def compare_methods(
    methods: Sequence[Method],
    test_csv: str | Path,
    out: str | Path,
    *,
    images: int,
    seeds: Sequence[int] = (0, 1, 2),
    num_scores: int = 4,
) -> list[MethodCurve]:
    """Train every method with every seed, and score it on the way.

    All have the same backbone, see as many images up to whole epochs, and
    are scored by direct transfer on the same queries. A run that is finished
    is not done again.

    Args:
        methods: Methods to compare; their names differ.
        test_csv: CSV of query and gallery, see ``ReIDDataset``; paths are
            relative to its folder.
        out: Folder of all runs.
        images: Number of images that each run sees.
        seeds: Seeds of the runs of each method.
        num_scores: Number of evaluations during a run, beside the one before.

    Raises:
        UserError: If backbones differ.
    """
    check_at_least(1, images=images, num_scores=num_scores)
    backbones = {m.name: m.cfg.model.backbone.to_dict() for m in methods}
    first, *others = backbones.items()
    for name, backbone in others:
        if backbone != first[1]:
            raise UserError(
                f'{name} has the backbone {backbone}, {first[0]} {first[1]}: '
                f'set model.backbone to compare methods.'
            )
    curves = []
    for method in methods:
        folder = Path(out) / method.name
        cfg, batch = _recipe(
            method, folder, Path(test_csv), images, num_scores
        )
        runs = []
        for seed in seeds:
            work_dir = folder / f'seed_{seed}'
            runs.append(_scores(cfg, seed, work_dir, batch))
        steps = [step for step, _ in runs[0]]
        scores = [[score for _, score in run] for run in runs]
        curves.append(MethodCurve(method.name, steps, scores))
    write_json(Path(out) / 'scores.json', [asdict(c) for c in curves])
    return curves


def _recipe(
    method: Method, folder: Path, test_csv: Path, images: int, num_scores: int
) -> tuple[Config, int]:
    """Return the config of a run without its seed, and images per batch."""
    cfg = deepcopy(method.cfg)
    data = prepare_data([method.data], folder / 'data')
    rows = ReIDDataset(test_csv, test_csv.parent, lazy_init=True).read_parts()
    cams = [image.cam_id for image in rows.get('query', [])]
    data = data._replace(
        test_csv=str(test_csv),
        has_cameras=max(cams, default=-1) >= 0,
        draw_queries=False,
    )
    use_own_data(cfg, data)
    for part in ('val_dataloader', 'test_dataloader'):
        cfg[part].dataset.data_root = str(test_csv.parent)
    # epochs of all methods are one pass over the images
    num_images = len(AnnotationTable.load(data.ann_file))
    epochs = max(round(images / num_images), 1)
    cfg.train_cfg.max_epochs = epochs
    cfg.train_cfg.val_interval = max(epochs // num_scores, 1)
    return cfg, cfg.train_dataloader.batch_size


def _scores(
    cfg: Config, seed: int, work_dir: Path, batch: int
) -> list[list[Any]]:
    """Return [images seen, mAP] of a run, which is done if need be."""
    cfg = deepcopy(cfg)
    cfg.randomness = {'seed': seed}
    cfg.work_dir = str(work_dir)
    key = hash_value(cfg.to_dict())
    file = work_dir / 'comparison.json'
    if file.is_file():
        found = read_json(file, {'key': str, 'scores': list})
        if found['key'] == key:
            print_log(f'{work_dir} is done already', 'current')
            return found['scores']
    # mmengine keeps loggers and message hubs by this name
    cfg.experiment_name = f'{work_dir.parent.name}_{seed}_{key[:8]}'
    runner = Runner.from_cfg(cfg)
    hook = _ScoreHook(batch)
    runner.register_hook(hook, 'VERY_LOW')
    runner.train()
    write_json(file, {'key': key, 'scores': hook.scores})
    return hook.scores


class _ScoreHook(Hook):
    """Collects scores, and evaluates before the training as well."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.scores: list[list[Any]] = []

    def before_train(self, runner: Runner) -> None:
        runner.val_loop.run()

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        assert metrics is not None
        images = runner.iter * self.batch
        self.scores.append([images, float(metrics[_METRIC])])


def comparison_table(curves: Sequence[MethodCurve]) -> str:
    """Return a Markdown table of the scores before and after training."""
    lines = [
        '| method | images seen | mAP before | mAP after (95 % interval) | '
        'each seed |',
        '| --- | --- | --- | --- | --- |',
    ]
    for curve in curves:
        mean, half = curve.interval()
        seeds = ', '.join(f'{100 * run[-1]:.1f}' for run in curve.mean_ap)
        lines.append(
            f'| {curve.name} | {curve.images[-1]:,} | {100 * mean[0]:.1f} | '
            f'{100 * mean[-1]:.1f} ± {100 * half[-1]:.1f} | {seeds} |'
        )
    return '\n'.join(lines)
