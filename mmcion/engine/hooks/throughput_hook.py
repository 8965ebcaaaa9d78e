"""ThroughputHook: images per second of the training."""

from __future__ import annotations

from collections import deque
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.registry import HOOKS


@HOOKS.register_module()
class ThroughputHook(Hook):
    """Log ``images_per_second`` over all ranks.

    Over the iterations of the log's ``time``: their images divided by their
    seconds, waiting for data included. An image counts once, however many
    views it has. Runs after mmengine's ``IterTimerHook``.
    """

    def before_train(self, runner: Runner) -> None:
        """Start an empty window."""
        self._window: deque[tuple[int, float]] = deque(
            maxlen=runner.log_processor.window_size
        )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Add an iteration and log the mean of the window."""
        hub = runner.message_hub
        # (images, seconds) of the iteration; all ranks have the same batch
        images = len(data_batch['data_samples']) * get_world_size()
        self._window.append((images, hub.get_scalar('train/time').current()))
        total, seconds = map(sum, zip(*self._window, strict=True))
        hub.update_scalar('train/images_per_second', total / seconds)
