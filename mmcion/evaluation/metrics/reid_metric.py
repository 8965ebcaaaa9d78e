from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MessageHub, print_log

from mmcion.registry import METRICS
from mmcion.structures import NO_TRACKLET, ReIDFeatures
from mmcion.utils.checks import UserError
from mmcion.utils.dist import all_gather_arrays
from mmcion.utils.score_table import describe_options

from ..distances import describe_row
from ..options import EvaluationOptions
from ..retrieval import evaluate_features

_FIELDS = ('pid', 'cam_id', 'is_query', 'img_path')


@METRICS.register_module()
class ReIDMetric(BaseMetric):
    """Collect features of queries and gallery, and evaluate them.

    Queries and gallery come from one data loader; ``is_query`` of the data
    sample says which is which. Features are kept as float32 on the CPU. Every
    rank gathers all of them and ranks the gallery for a part of the queries.

    Scores are in [0, 1]: ``reid/mAP``, ``reid/mINP``, ``reid/Rank-1``, ... If
    nearest images are kept, the ``RetrievalResult`` is ``retrieval_result``
    of mmengine's current ``MessageHub``, where hooks find it.

    Attributes:
        scored_with: Options of the last scores, by name.

    Args:
        dump_features: ``.npz`` file to write all features and labels to, see
            ``ReIDFeatures``.
        collect_device: See ``BaseMetric``.
        prefix: See ``BaseMetric``.
        options: See ``EvaluationOptions``.
    """

    default_prefix = 'reid'

    def __init__(
        self,
        *,
        dump_features: str | Path | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.dump_features = dump_features
        self.options = EvaluationOptions.from_options(options)
        self.scored_with: dict[str, Any] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the features of a batch.

        Args:
            data_batch: Not used.
            data_samples: Each with ``feature`` ``(D,)``, ``pid``, ``cam_id``,
                ``is_query`` and ``img_path``; ``tracklet_id`` is optional.
        """
        for sample in data_samples:
            missing = {'feature', *_FIELDS} - set(sample)
            if missing:
                raise UserError(f'a data sample has no {sorted(missing)}.')
            feature = sample['feature'].detach().float().cpu().numpy()
            if not np.isfinite(feature).all() or not feature.any():
                reason = describe_row(feature)
                raise UserError(f'feature of {sample["img_path"]} {reason}.')
            row = {name: sample[name] for name in _FIELDS}
            row['tracklet_id'] = sample.get('tracklet_id', NO_TRACKLET)
            self.results.append({'feature': feature, **row})

    def evaluate(self, size: int) -> dict[str, float]:
        """Rank the gallery for the queries of all ranks.

        Args:
            size: Number of images in the data set; the padding that gives
                all ranks the same number is dropped.
        """
        seen = np.ravel(all_gather_arrays(np.array([len(self.results)])))
        if min(seen) == 0 or sum(seen) < size:
            raise UserError(
                f'of {size} images those extracted are {seen} by rank: set '
                f'drop_last=False, and use no more ranks than images.'
            )
        features = _gather(self.results, size)
        self.results.clear()
        if self.dump_features is not None and is_main_process():
            features.save(self.dump_features)
            text = f'{len(features)} features written to {self.dump_features}'
            print_log(text, logger='current')
        result = evaluate_features(features, self.options, distributed=True)
        self.scored_with = result.options
        text = f'{len(features)} images scored with '
        print_log(text + describe_options(result.options), logger='current')
        if self.options.keep_nearest:
            hub = MessageHub.get_current_instance()
            hub.update_info('retrieval_result', result, resumed=False)
        return {
            f'{self.prefix}/{name}' if self.prefix else name: value
            for name, value in result.scores.items()
        }

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Return the scores of rows of this process, which are consumed."""
        return evaluate_features(_gather(results), self.options).scores


def _gather(rows: list[dict], size: int | None = None) -> ReIDFeatures:
    """Return features as columns; consumes the rows to save memory.

    If ``size`` is given, gather the rows of all ranks and keep this number,
    in the order of the data set.
    """
    columns = {}
    for name in list(rows[0]):
        column = np.array([row.pop(name) for row in rows])
        if size is not None:
            # DefaultSampler deals out the data set: row i is on rank i % N
            parts = all_gather_arrays(column)
            index = np.concatenate([np.arange(len(part)) for part in parts])
            order = np.argsort(index, kind='stable')[:size]
            column = np.concatenate(parts)[order]
        columns[name] = column
    return ReIDFeatures(**columns)
