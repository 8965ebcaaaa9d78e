"""RetrievalReportHook: write the report of a test."""

from __future__ import annotations

import sys
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import MessageHub, print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmcion.registry import HOOKS


@HOOKS.register_module()
class RetrievalReportHook(Hook):
    """Write ``report.html`` and its figures after a test.

    Needs a ``ReIDMetric`` as ``test_evaluator``, and lets it keep the nearest
    images.

    Args:
        out_dir: Folder of the report; created if it is missing.
        num_nearest: Number of nearest gallery images per query.
    """

    def __init__(self, out_dir: str | Path, num_nearest: int = 10) -> None:
        self.out_dir = Path(out_dir)
        self.num_nearest = num_nearest

    def before_test(self, runner: Runner) -> None:
        """Let the metric keep the nearest images."""
        for metric in runner.test_evaluator.metrics:
            if hasattr(metric, 'options'):
                metric.options.keep_nearest = self.num_nearest

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the report; on rank 0 only."""
        if not is_main_process():
            return
        from mmcion.models.weights import evaluation_pipeline
        from mmcion.visualization import write_retrieval_report

        from .reports import query_activations

        cfg, model = runner.cfg, runner.model
        model = model.module if is_model_wrapper(model) else model
        dataset = cfg.test_dataloader.dataset
        config = cfg.filename or ''
        hub = MessageHub.get_current_instance()
        result = hub.get_info('retrieval_result')
        page = write_retrieval_report(
            self.out_dir,
            result,
            title=f'{Path(config).stem} on {dataset["type"]}',
            settings={
                'config': config,
                'checkpoint': cfg.model.get(
                    'backbone_checkpoint', cfg.get('load_from')
                ),
                'data set': f'{dataset["type"]}, {dataset.get("data_root")}',
                **result.options,
                'flip_test': bool(cfg.model.get('flip_test')),
            },
            command=' '.join(sys.argv),
            activation=query_activations(
                result, model, evaluation_pipeline(cfg)
            ),
        )
        print_log(f'report written to {page}', logger='current')
