"""InstanceScheduleHook: more images per identity as training goes on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.registry import HOOKS


@HOOKS.register_module()
class InstanceScheduleHook(Hook):
    """Set the sampler's K from the epoch, so that it is right after resume.

    Source: CION's gradual schedule. The last K holds beyond the last epoch.

    Args:
        epochs: ends of the intervals, increasing.
        num_instances: K of every interval; each must divide the batch size.

    Raises:
        ValueError: if the lists do not fit each other.
    """

    def __init__(
        self,
        epochs: Sequence[int] = (40, 60, 80, 100),
        num_instances: Sequence[int] = (2, 4, 6, 8),
    ) -> None:
        if len(epochs) != len(num_instances) or list(epochs) != sorted(
            set(epochs)
        ):
            raise ValueError(
                f'epochs must increase and there must be one num_instances '
                f'for each; got {epochs} and {num_instances}'
            )
        self.epochs = list(epochs)
        self.num_instances = list(num_instances)

    def instances_at(self, epoch: int) -> int:
        """Return K of an epoch, counted from 0."""
        interval = bisect_right(self.epochs, epoch)
        return self.num_instances[min(interval, len(self.epochs) - 1)]

    def before_train(self, runner: Runner) -> None:
        """Check all scheduled K before the first batch.

        Raises:
            ValueError: if a K does not suit the sampler, or the sampler's
                batch size is not the data loader's.
        """
        loader = runner.train_dataloader
        sampler = loader.sampler
        if sampler.batch_size != loader.batch_size:
            raise ValueError(
                f'the sampler makes batches of {sampler.batch_size}, the '
                f'data loader of {loader.batch_size}: set both '
                f'train_dataloader.batch_size and '
                f'train_dataloader.sampler.batch_size.'
            )
        for num_instances in self.num_instances:
            sampler.set_num_instances(num_instances)

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the sampler K, and say so when it changes."""
        num_instances = self.instances_at(runner.epoch)
        runner.train_dataloader.sampler.set_num_instances(num_instances)
        if runner.epoch in (0, *self.epochs):
            runner.logger.info(
                f'{num_instances} images per identity from epoch '
                f'{runner.epoch + 1} on'
            )
