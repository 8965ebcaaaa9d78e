"""ReIDMetric: judge features on a query and gallery split."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmcion.registry import METRICS
from mmcion.utils.io import atomic_file

from ..functional import evaluate

_FIELDS = ('pid', 'cam_id', 'is_query', 'img_path')


@METRICS.register_module()
class ReIDMetric(BaseMetric):
    """Collect features of queries and gallery, and rank one for the other.

    Queries and gallery come through one data loader; ``is_query`` of the
    data sample tells them apart. Features are kept as float32 on the CPU.
    Scores are in [0, 1]: ``reid/mAP``, ``reid/mINP``, ``reid/Rank-1``, ...

    Args:
        camera_aware: leave out gallery images of the query's identity and
            camera. Switch it off for data of a single camera.
        ignore_pids: identities to leave out, -1 being junk.
        ties: see ``mmcion.evaluation.evaluate``.
        distance: ``'cosine'`` or ``'euclidean'``.
        dump_features: ``.npz`` file to write ``feature``, ``pid``,
            ``cam_id``, ``is_query`` and ``img_path`` to, one row per image.
        collect_device: passed on to ``BaseMetric``.
        prefix: passed on to ``BaseMetric``.
    """

    default_prefix = 'reid'

    def __init__(
        self,
        *,
        camera_aware: bool = True,
        ignore_pids: Sequence[int] | int = (-1,),
        ties: str = 'mean',
        distance: str = 'cosine',
        dump_features: str | Path | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.camera_aware = camera_aware
        self.dump_features = dump_features
        self.options: dict[str, Any] = {
            'ignore_pids': ignore_pids,
            'ties': ties,
            'distance': distance,
        }

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the features of a batch.

        Args:
            data_batch: not used.
            data_samples: each with ``feature`` ``(D,)``, ``pid``, ``cam_id``,
                ``is_query`` and ``img_path``.

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
            self.results.append({'feature': feature, **row})

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Rank the gallery for the queries of all ranks."""
        columns = {
            name: np.array([row[name] for row in results])
            for name in ('feature', *_FIELDS)
        }
        if self.dump_features is not None:
            self._dump(columns)
        query = columns['is_query'].astype(bool)
        pids, cams = columns['pid'], columns['cam_id']
        camera = self.camera_aware
        return evaluate(
            columns['feature'][query],
            columns['feature'][~query],
            pids[query],
            pids[~query],
            cams[query] if camera else None,
            cams[~query] if camera else None,
            **self.options,
        )

    def _dump(self, columns: dict[str, Any]) -> None:
        with (
            atomic_file(str(self.dump_features)) as temporary,
            open(temporary, 'wb') as file,
        ):
            np.savez(file, **columns)
        print_log(
            f'{len(columns["pid"])} features written to {self.dump_features}',
            logger='current',
        )
