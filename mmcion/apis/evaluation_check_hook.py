"""EvaluationCheckHook: can the data be evaluated, before it takes long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmcion.datasets.reid import BaseReIDDataset
from mmcion.evaluation import ReIDMetric
from mmcion.evaluation.retrieval import check_labels
from mmcion.registry import HOOKS
from mmcion.utils.checks import UserError, name_in_errors

_SAMPLE = 100  # images that are looked for


@HOOKS.register_module()
class EvaluationCheckHook(Hook):
    """Refuse data that cannot be evaluated before features are extracted.

    These are queries of which none has a match, a loader that leaves images
    out, more ranks than images, and a folder without the images.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check the data for validation, if there are any."""
        if (loop := runner.val_loop) is not None:
            check_loader('val_dataloader', loop.dataloader, loop.evaluator)

    def before_test(self, runner: Runner) -> None:
        """Check the data of the test."""
        loop = runner.test_loop
        check_loader('test_dataloader', loop.dataloader, loop.evaluator)


def check_loader(name: str, loader: DataLoader, evaluator: Evaluator) -> None:
    """Raise ``UserError`` if the data set ``name`` cannot be evaluated."""
    dataset: Any = loader.dataset
    num_images, num_ranks = len(dataset), get_world_size()
    if loader.drop_last or num_ranks > num_images:
        raise UserError(
            f'{name}.drop_last must be False, got {loader.drop_last}; there '
            f'must be no more ranks, {num_ranks}, than images, {num_images}.'
        )
    if not isinstance(dataset, BaseReIDDataset):
        return
    labels = dataset.pids, dataset.cam_ids, dataset.is_query
    for metric in evaluator.metrics:
        if isinstance(metric, ReIDMetric):
            with name_in_errors(dataset.source):
                check_labels(*labels, metric.options)
    rows = range(0, num_images, -(-num_images // _SAMPLE))
    paths = [Path(dataset.get_data_info(row)['img_path']) for row in rows]
    if not any(path.is_file() for path in paths):
        raise FileNotFoundError(
            f'{len(paths)} of {len(paths)} sampled images are missing, such '
            f'as {paths[0]}; is {name}.dataset.data_root right?'
        )
