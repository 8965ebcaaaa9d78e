"""ProgressHook: a progress bar of a test."""

from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.registry import HOOKS
from mmcion.utils.progress import progress_bar


@HOOKS.register_module()
class ProgressHook(Hook):
    """Show how many batches of a test are done, and the time left."""

    def before_test(self, runner: Runner) -> None:
        """Start at none."""
        self._bar = progress_bar(
            total=len(runner.test_dataloader),
            desc='test',
            unit='batch',
            disable=not is_main_process(),
        )

    def after_test_iter(self, runner: Runner, *args: Any, **_: Any) -> None:
        """Count a batch."""
        self._bar.update()

    def after_test_epoch(self, *args: Any, **_: Any) -> None:
        """End the bar."""
        self._bar.close()
