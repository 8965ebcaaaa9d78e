"""How whole runs go on: tests/test_resume_within_epoch.py, and within a step
tests/test_engine/test_accumulation.py.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmcion.datasets import IdentitySampler
from mmcion.engine.hooks import exact_resume_hook
from mmcion.engine.hooks.exact_resume_hook import ExactResumeHook
from mmcion.utils.checks import UserError


class Logger:
    def __init__(self):
        self.lines = []

    def info(self, line):
        self.lines.append(line)

    warning = info


class FakeRunner(SimpleNamespace):
    """Counts iterations in its loop, as mmengine's does."""

    _resume = False
    max_iters = 99
    model = None

    @property
    def iter(self):
        return self.train_loop._iter


def make_runner(iteration=0, epoch=0, seed=0):
    dataset = SimpleNamespace(pids=np.repeat(np.arange(24), 4))
    sampler = SimpleNamespace(
        dataset=dataset, seed=0, epoch=epoch, rank=0, world_size=1
    )
    loader = torch.utils.data.DataLoader(
        range(96), batch_sampler=IdentitySampler(sampler, 24, 2)
    )
    return FakeRunner(
        train_dataloader=loader,
        train_loop=SimpleNamespace(_iter=iteration),
        epoch=epoch,
        seed=seed,
        optim_wrapper=SimpleNamespace(
            should_update=lambda: True,
            initialize_count_status=lambda *_: None,
        ),
        logger=Logger(),
    )


def resume(runner, meta):
    hook = ExactResumeHook()
    hook.after_load_checkpoint(runner, {'meta': meta})
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    return hook


def test_checkpoint_notes_the_length_of_an_epoch():
    checkpoint = {'meta': {}}
    ExactResumeHook().before_save_checkpoint(make_runner(), checkpoint)
    assert checkpoint['meta'] == {'batches_per_epoch': 4}


def test_only_the_first_epoch_skips_batches():
    runner = make_runner(iteration=7, epoch=1)
    hook = resume(runner, {'batches_per_epoch': 4})
    assert len(list(runner.train_dataloader)) == 1
    assert runner.logger.lines == ['epoch 2 goes on after 3 of 4 batches']
    hook.before_train_epoch(runner)
    assert len(list(runner.train_dataloader)) == 4


@pytest.mark.parametrize('length', [2, 4])
def test_end_of_an_epoch_may_go_on_with_another_length(length):
    runner = make_runner(iteration=2 * length, epoch=2)
    resume(runner, {'batches_per_epoch': length})
    assert len(list(runner.train_dataloader)) == 4
    assert runner.iter == 2 * 4


@pytest.mark.parametrize(
    ('iteration', 'epoch', 'meta'),
    [(7, 1, {'batches_per_epoch': 5}), (9, 1, {}), (3, 1, {})],
)
def test_place_that_is_not_in_the_epoch(iteration, epoch, meta):
    with pytest.raises(UserError, match=f'iteration {iteration}'):
        resume(make_runner(iteration, epoch), meta)


def test_batch_sampler_must_be_able_to_skip():
    runner = make_runner(iteration=1)
    runner.train_dataloader = torch.utils.data.DataLoader(range(96), 24)
    with pytest.raises(UserError, match='BatchSampler'):
        resume(runner, {'batches_per_epoch': 4})


def test_models_draws_depend_on_seed_rank_and_iteration(monkeypatch):
    hook = ExactResumeHook()

    def draw(rank=0, **place):
        monkeypatch.setattr(exact_resume_hook, 'get_rank', lambda: rank)
        hook.before_train_iter(make_runner(**place), 0)
        return float(torch.rand(()))

    places = [{}, {'rank': 1}, {'iteration': 1}, {'seed': 1}]
    assert len({draw(**place) for place in places}) == 4
    assert draw(iteration=1) == draw(iteration=1, epoch=1)
