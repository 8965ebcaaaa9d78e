"""InstanceScheduleHook: more images per identity as training goes on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.registry import HOOKS
from mmcion.utils.checks import UserError


@HOOKS.register_module()
class InstanceScheduleHook(Hook):
    """Set K of the batch sampler from the epoch, also after a resume.

    Source: CION's gradual schedule.

    Args:
        num_instances: Values of K in their order. Each must divide the batch
            size of the data loader.
        milestone_ratios: When the next K begins, as increasing ratios of all
            epochs; one less than there are K.
    """

    def __init__(
        self, num_instances: Sequence[int], milestone_ratios: Sequence[float]
    ) -> None:
        ratios = [0, *milestone_ratios, 1]
        increase = all(low < high for low, high in pairwise(ratios))
        if not increase or len(ratios) != len(num_instances) + 1:
            raise UserError(
                f'milestone_ratios must increase in (0, 1), one less than '
                f'num_instances; got {milestone_ratios} and {num_instances}.'
            )
        self.num_instances = list(num_instances)
        self.milestone_ratios = list(milestone_ratios)

    def instances_at(self, epoch: int, max_epochs: int) -> int:
        """Return K of an epoch, counted from 0."""
        # number of milestones up to this epoch = index of its K
        begins = [round(ratio * max_epochs) for ratio in self.milestone_ratios]
        return self.num_instances[bisect_right(begins, epoch)]

    def before_train(self, runner: Runner) -> None:
        """Check all K before the first batch: the sampler refuses others."""
        sampler = runner.train_dataloader.batch_sampler
        if not hasattr(sampler, 'set_num_instances'):
            raise UserError(
                f'InstanceScheduleHook is for batch_sampler IdentitySampler, '
                f'not {type(sampler).__name__}: leave it out.'
            )
        if sampler.num_instances is not None:
            given = f'batch_sampler.num_instances={sampler.num_instances}'
            raise UserError(f'InstanceScheduleHook sets K; leave out {given}.')
        for num_instances in self.num_instances:
            sampler.set_num_instances(num_instances)

    def before_train_epoch(self, runner: Runner) -> None:
        """Set K, and log it when it changes."""
        epoch, last = runner.epoch, runner.max_epochs
        num_instances = self.instances_at(epoch, last)
        runner.train_dataloader.batch_sampler.set_num_instances(num_instances)
        if epoch == 0 or num_instances != self.instances_at(epoch - 1, last):
            runner.logger.info(
                f'{num_instances} images per identity from epoch {epoch + 1} '
                f'on'
            )
