"""EvaluationCheckHook: can the data be evaluated, before it takes long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
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
    """Raise ``UserError`` if a data set cannot be evaluated.

    Args:
        name: Name of the loader in the config, for messages.
        loader: Loader of queries and gallery.
        evaluator: Its ``ReIDMetric`` says what counts as a match.

    Raises:
        FileNotFoundError: If images are missing.
    """
    dataset: Any = loader.dataset
    if loader.drop_last:
        raise UserError(
            f'{name}.drop_last=True leaves images out; set it to False.'
        )
    if get_world_size() > len(dataset):
        raise UserError(
            f'{get_world_size()} ranks are more than the {len(dataset)} '
            f'images of {name}; use fewer.'
        )
    if not isinstance(dataset, BaseReIDDataset):
        return
    infos = [dataset.get_data_info(row) for row in range(len(dataset))]
    pids, cam_ids, is_query = (
        np.array([info[key] for info in infos])
        for key in ('pid', 'cam_id', 'is_query')
    )
    for metric in evaluator.metrics:
        if isinstance(metric, ReIDMetric):
            with name_in_errors(dataset.source):
                check_labels(pids, cam_ids, is_query, metric.options)
    sample = infos[:: -(-len(infos) // _SAMPLE)]
    missing = [i for i in sample if not Path(i['img_path']).is_file()]
    if len(missing) == len(sample):
        raise FileNotFoundError(
            f'{len(sample)} of {len(sample)} sampled images are missing, such '
            f'as {missing[0]["img_path"]}; is {name}.dataset.data_root right?'
        )
