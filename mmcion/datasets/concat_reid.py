"""ConcatReID: several training sets as one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import ConcatDataset

from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError

from .samplers.draw import Draw
from .transforms import build_pipeline


@DATASETS.register_module()
class ConcatReID(ConcatDataset):
    """Train on several sets, whose identities and cameras are different ones.

    Those of a set are numbered behind those of the sets before it; an unknown
    camera counts as the set's first.

    Args:
        datasets: Configs of data sets with ``pids`` and ``cam_ids``, in
            their training splits and without pipelines.
        pipeline: Transforms of all of them.

    Attributes:
        pids: ``(N,)`` identities 0..P-1.
        cam_ids: ``(N,)`` cameras, from 0.
    """

    def __init__(
        self,
        datasets: Sequence[dict[str, Any]],
        pipeline: Sequence[dict[str, Any]] = (),
    ) -> None:
        parts, pids, cam_ids = [], [], []
        transforms = build_pipeline(pipeline).transforms
        first_pid = first_cam = 0
        for config in datasets:
            if config.get('pipeline') or config.get('split') == 'test':
                raise UserError(
                    f'{config["type"]} in ConcatReID must have no pipeline '
                    f'of its own, and not the split test.'
                )
            # before all transforms, so that what they pack has the labels
            relabel = partial(_relabel, pid=first_pid, cam_id=first_cam)
            part = DATASETS.build(
                {**config, 'pipeline': [relabel, *transforms]}
            )
            parts.append(part)
            pids.append(np.asarray(part.pids) + first_pid)
            cam_ids.append(np.maximum(part.cam_ids, 0) + first_cam)
            print_log(
                f'{config["type"]}: {len(part)} images, identities from '
                f'{first_pid} on, cameras from {first_cam} on',
                'current',
            )
            first_pid = int(pids[-1].max()) + 1
            first_cam = int(cam_ids[-1].max()) + 1
        if not parts:
            raise UserError('ConcatReID has no datasets.')
        super().__init__(parts)
        self.pids: np.ndarray = np.concatenate(pids)
        self.cam_ids: np.ndarray = np.concatenate(cam_ids)

    @property
    def metainfo(self) -> dict[str, Any]:
        """Counts, for mmengine's logs."""
        num_pids = int(self.pids.max()) + 1
        return {'num_images': len(self), 'num_identities': num_pids}

    def __getitem__(self, row: int) -> Any:
        """Return the transformed image of a row; see ``Draw``."""
        number = int(np.searchsorted(self.cumulative_sizes, row, 'right'))
        start = self.cumulative_sizes[number - 1] if number else 0
        own = row - start
        if isinstance(row, Draw):
            own = Draw(own, row.entropy)
        return self.datasets[number][own]


def _relabel(entry: dict[str, Any], pid: int, cam_id: int) -> dict[str, Any]:
    """Number identity and camera behind those of other sets."""
    return {
        **entry,
        'pid': entry['pid'] + pid,
        'cam_id': max(entry['cam_id'], 0) + cam_id,
    }
