"""NonFiniteGuardHook: stop all ranks when the loss of one is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmcion.registry import HOOKS
from mmcion.utils.io import write_json


@HOOKS.register_module()
class NonFiniteGuardHook(Hook):
    """End training on all ranks when a loss of any rank is not finite.

    Every rank first writes ``non_finite_rank{r}.json`` into the work folder:
    its losses and the images of its batch. The published code ends the one
    rank and leaves the others waiting. No checkpoint is written any more.
    """

    priority = 'VERY_HIGH'  # before checkpoints are written

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Check the losses of all ranks.

        Raises:
            FloatingPointError: on all ranks, if one has a loss that is not
                finite; names these ranks and the file.
        """
        losses = outputs or {}
        ranks = _ranks_at_fault(losses)
        if not ranks:
            return
        values = {name: loss.tolist() for name, loss in losses.items()}
        rank = get_rank()
        path = Path(runner.work_dir) / f'non_finite_rank{rank}.json'
        record = {
            'rank': rank,
            'ranks_at_fault': ranks,
            'epoch': runner.epoch + 1,
            'iter': runner.iter + 1,
            # text, because JSON has no word for nan
            'losses': {name: str(value) for name, value in values.items()},
            'batch_idx': batch_idx,
            'images': _images(data_batch),
        }
        write_json(path, record)
        raise FloatingPointError(
            f'the loss of rank {", ".join(map(str, ranks))} is not finite at '
            f'iteration {runner.iter + 1} (epoch {runner.epoch + 1}; here '
            f'{values}). The images of this batch are in {path}. Go on from '
            f'the last checkpoint with a lower learning rate, or look for '
            f'damaged images.'
        )


def _ranks_at_fault(losses: dict[str, Tensor]) -> list[int]:
    """Return the ranks that have a loss which is not finite."""
    values = [loss.detach().float().flatten() for loss in losses.values()]
    device = values[0].device if values else None
    faults = torch.zeros(get_world_size(), device=device)
    if values:
        faults[get_rank()] = ~torch.cat(values).isfinite().all()
    all_reduce(faults)
    return faults.nonzero().flatten().tolist()


def _images(data_batch: Any) -> list[dict[str, Any]]:
    """Return path, identity and camera of every image of a batch."""
    samples = (data_batch or {}).get('data_samples') or []
    return [dict(sample.metainfo_items()) for sample in samples]
