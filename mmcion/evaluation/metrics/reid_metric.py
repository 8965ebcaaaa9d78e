"""ReIDMetric: judge features on a query and gallery split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmcion.registry import METRICS
from mmcion.structures import NO_TRACKLET, ReIDFeatures, RetrievalResult
from mmcion.utils.rank_share import RankShare

from ..functional import EvaluationOptions, evaluate_features

_FIELDS = ('pid', 'cam_id', 'is_query', 'img_path')


@METRICS.register_module()
class ReIDMetric(BaseMetric):
    """Collect features of queries and gallery, and rank one for the other.

    Queries and gallery come through one data loader; ``is_query`` of the
    data sample tells them apart. Features are kept as float32 on the CPU.
    Scores are in [0, 1]: ``reid/mAP``, ``reid/mINP``, ``reid/Rank-1``, ...

    Every rank gets the features of all, as tensors, ranks its part of the
    queries, and gets the scores of all.

    Attributes:
        result: how the gallery was ranked in the last evaluation, with all
            features; None where no nearest images are kept.

    Args:
        dump_features: ``.npz`` file to write all features and labels to,
            see ``ReIDFeatures``.
        collect_device: passed on to ``BaseMetric``.
        prefix: passed on to ``BaseMetric``.
        options: see ``EvaluationOptions``.

    Raises:
        ValueError: if an option is unknown or out of range.
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
        known = [field.name for field in fields(EvaluationOptions)]
        if unknown := set(options) - set(known):
            raise ValueError(
                f'ReIDMetric has no option {", ".join(sorted(unknown))}; it '
                f'has {", ".join(known)}.'
            )
        self.options = EvaluationOptions(**options)
        self.result: RetrievalResult | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the features of a batch.

        Args:
            data_batch: not used.
            data_samples: each with ``feature`` ``(D,)``, ``pid``, ``cam_id``,
                ``is_query`` and ``img_path``; ``tracklet_id`` if there is
                one.

        Raises:
            ValueError: if a field is missing or a feature is not finite;
                names the image.
        """
        for sample in data_samples:
            missing = {'feature', *_FIELDS} - set(sample)
            if missing:
                raise ValueError(
                    f'ReIDMetric needs {sorted(missing)} in every data '
                    f'sample; it has {sorted(sample)}.'
                )
            feature = sample['feature'].detach().float().cpu().numpy()
            if not np.isfinite(feature).all():
                raise ValueError(
                    f'the feature of {sample["img_path"]} holds NaN or '
                    f'infinity; the model has probably diverged.'
                )
            row = {name: sample[name] for name in _FIELDS}
            row['tracklet_id'] = sample.get('tracklet_id', NO_TRACKLET)
            self.results.append({'feature': feature, **row})

    def evaluate(self, size: int) -> dict[str, float]:
        """Rank the gallery for the queries of all ranks.

        Args:
            size: images in the data set; what a sampler has added to give
                all ranks the same number is dropped.

        Raises:
            ValueError: if there is no image, or what ``evaluate_features``
                raises.
        """
        if not self.results:
            raise ValueError(
                'ReIDMetric has seen no images; the data set or its share of '
                'this rank is empty.'
            )
        share = RankShare.of_process_group()
        features = _gathered(self.results, share, size)
        self.results.clear()
        if self.dump_features is not None and is_main_process():
            features.save(self.dump_features)
            print_log(
                f'{len(features)} features written to {self.dump_features}',
                logger='current',
            )
        result = evaluate_features(features, self.options, share)
        self.result = result if self.options.keep_nearest else None
        return {
            f'{self.prefix}/{name}' if self.prefix else name: value
            for name, value in result.scores.items()
        }

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Return the scores of what ``process`` kept, in this process alone.

        Args:
            results: rows of ``self.results``; they are used up.
        """
        features = _gathered(results, RankShare(), len(results))
        return evaluate_features(features, self.options).scores


def _gathered(rows: list[dict], share: RankShare, size: int) -> ReIDFeatures:
    """Return the rows of all ranks in the order of the data set.

    ``rows`` are emptied, so that features are not in memory twice.
    """
    columns = {}
    for name in list(rows[0]):
        own = np.array([row.pop(name) for row in rows])
        columns[name] = share.gather_interleaved(own)[:size]
    return ReIDFeatures(**columns)
