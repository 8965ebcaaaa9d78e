"""Runs in which several batches make a step of the optimizer."""

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from tests.dist_utils import run_on_ranks
from tests.golden import DATA
from tests.training_utils import (
    assert_same,
    losses,
    train,
    train_on_rank,
    train_options,
)

COUNTS = 'optim_wrapper.accumulative_counts'
# two epochs of 4 batches: steps after 3, 6 and, with the rest, 8
OPTIONS = {
    COUNTS: 3,
    'default_hooks.checkpoint.by_epoch': False,
    'default_hooks.checkpoint.max_keep_ckpts': -1,
}


@pytest.fixture(scope='module')
def full_run(crops, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('full_accumulation')
    train(crops, work_dir, **OPTIONS)
    return work_dir


def load(work_dir, iteration=8):
    path = work_dir / f'iter_{iteration}.pth'
    return torch.load(path, weights_only=False)


def state_after_an_epoch(crops, work_dir, batch_size, counts):
    """Train on the images in order, at constant rates."""
    cfg = Config.fromfile(DATA / 'tiny_train.py')
    cfg.merge_from_dict(train_options(crops, work_dir))
    cfg.work_dir = str(work_dir)
    cfg.train_dataloader.batch_size = batch_size
    cfg.train_dataloader.batch_sampler = None
    cfg.train_dataloader.sampler = {'type': 'DefaultSampler', 'shuffle': False}
    cfg.optim_wrapper.accumulative_counts = counts
    cfg.param_scheduler = None
    cfg.custom_hooks = [
        {'type': 'TeacherUpdateHook', 'momentum': 0.5, 'end_momentum': 0.5},
        {'type': 'ClipPerTensorHook', 'max_norm': 0.1},
    ]
    cfg.train_cfg.max_epochs = 1
    return Runner.from_cfg(cfg).train().state_dict()


@pytest.mark.parametrize('counts', [2, 3, 4])
def test_batches_of_a_step_equal_one_large_batch(crops, tmp_path, counts):
    """Of 4 batches; with 3 of them to a step, one is left for the last."""
    large = state_after_an_epoch(crops, tmp_path / 'large', 8 * counts, 1)
    small = state_after_an_epoch(crops, tmp_path / 'small', 8, counts)
    assert large['head.center'].any()
    for name, value in small.items():
        torch.testing.assert_close(
            value, large[name], rtol=0, atol=1e-5, msg=name
        )


def assert_same_run(first, second):
    assert losses(first) == losses(second)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(first[part], second[part])


@pytest.mark.parametrize('iteration', [4, 5, 6, 7])
def test_run_goes_on_within_a_step(crops, full_run, tmp_path, iteration):
    checkpoint = full_run / f'iter_{iteration}.pth'
    work_dir = tmp_path / f'resumed_{iteration}'
    train(crops, work_dir, '--resume', checkpoint, **OPTIONS)
    assert_same_run(load(work_dir), load(full_run))
    (log,) = work_dir.rglob('*.log')
    within = iteration % 3
    text = f'gradients of {within} of 3 batches of a step are back'
    assert (text in log.read_text()) == bool(within)


def test_another_number_of_batches_is_refused(crops, full_run, tmp_path):
    checkpoint = full_run / 'iter_4.pth'
    with pytest.raises(ValueError, match='resume with 3'):
        train(
            crops, tmp_path, '--resume', checkpoint, **{**OPTIONS, COUNTS: 4}
        )


def test_new_run_may_start_from_a_checkpoint_within_a_step(
    crops, full_run, tmp_path
):
    train(crops, tmp_path, load_from=full_run / 'iter_4.pth')


def train_and_resume_on_rank(work_dir, options):
    config = DATA / 'tiny_train.py'
    full = train_on_rank(config, work_dir / 'ranks', options)
    options |= {
        'resume': True,
        'load_from': str(work_dir / 'ranks' / 'iter_4.pth'),
        'experiment_name': 'resumed_ranks',
    }
    return full, train_on_rank(config, work_dir / 'resumed_ranks', options)


def test_two_ranks_equal_one_process_and_go_on_as_well(
    crops, full_run, tmp_path
):
    options = {
        **train_options(crops, tmp_path / 'ranks'),
        **OPTIONS,
        'train_dataloader.batch_size': 4,
    }
    expected = load(full_run)['state_dict']
    results = run_on_ranks(train_and_resume_on_rank, tmp_path, options)
    for state in (part for result in results for part in result):
        for name, value in state.items():
            torch.testing.assert_close(
                value, expected[name], rtol=0, atol=1e-5, msg=name
            )
