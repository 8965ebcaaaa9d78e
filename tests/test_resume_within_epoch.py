"""Runs of 2 x 4 batches that go on from the middle of an epoch."""

import signal

import pytest

from mmcion.models.weights import read_checkpoint
from tests.dist_utils import run_on_ranks
from tests.golden import DATA
from tests.tool_utils import run_tool
from tests.training_utils import (
    DATASET,
    assert_same,
    losses,
    train,
    train_on_rank,
    train_options,
)

HOOK = 'default_hooks.checkpoint'
PARTS = ('state_dict', 'optimizer', 'param_schedulers')


def by_iterations(interval=1):
    return {
        f'{HOOK}.by_epoch': False,
        f'{HOOK}.interval': interval,
        f'{HOOK}.max_keep_ckpts': -1,
    }


@pytest.fixture(scope='module')
def full_run(crops, tmp_path_factory):
    """Work folder of an uninterrupted run, with all checkpoints."""
    work_dir = tmp_path_factory.mktemp('full_iterations')
    train(crops, work_dir, **by_iterations())
    return work_dir


def load(work_dir, iteration=8):
    return read_checkpoint(work_dir / f'iter_{iteration}.pth')


def learning_rates(checkpoint):
    return checkpoint['message_hub']['log_scalars']['train/lr'].data[0]


def assert_same_run(first, second):
    assert losses(first) == losses(second)
    assert (learning_rates(first) == learning_rates(second)).all()
    for part in PARTS:
        assert_same(first[part], second[part])


# others go on after batches 2, 3 and 6
@pytest.mark.parametrize('iteration', [1, 4, 7])
def test_any_batch_may_be_the_last_before_a_resume(
    crops, full_run, tmp_path, iteration
):
    checkpoint = full_run / f'iter_{iteration}.pth'
    work_dir = tmp_path / f'resumed_{iteration}'
    train(crops, work_dir, '--resume', checkpoint, **by_iterations())
    resumed = load(work_dir)
    assert_same_run(resumed, load(full_run))
    assert len(losses(resumed)) == 8
    (log,) = work_dir.rglob('*.log')
    within = iteration % 4 or 4
    assert f'goes on after {within} of 4 batches' in log.read_text()


@pytest.mark.parametrize(
    ('num_workers', 'persistent'), [(1, False), (2, True)]
)
def test_workers_do_not_matter(
    crops, full_run, tmp_path, num_workers, persistent
):
    options = {
        'train_dataloader.num_workers': num_workers,
        'train_dataloader.persistent_workers': persistent,
        **by_iterations(),
    }
    work_dir = tmp_path / f'workers_{num_workers}'
    train(crops, work_dir, '--resume', full_run / 'iter_3.pth', **options)
    assert_same_run(load(work_dir), load(full_run))


def stop_before(
    crops, work_dir, iteration, *arguments, number=signal.SIGKILL, **options
):
    """Train in a process of its own that gets a signal before a batch."""
    options = {**train_options(crops, work_dir), **options}
    work_dir.mkdir(exist_ok=True)
    config = work_dir / 'killed.py'
    config.write_text(
        f'_base_ = {str(DATA / "tiny_train.py")!r}\n'
        f"custom_imports = dict(imports=['tests.tiny', 'tests.kill_hook'])\n"
        f'default_hooks = '
        f"dict(kill=dict(type='KillHook', iteration={iteration}, "
        f'number={int(number)}))\n'
    )
    done = run_tool(
        *('train.py', config, '--work-dir', work_dir, *arguments),
        '--cfg-options',
        *(f'{key}={value}' for key, value in options.items()),
        cwd=work_dir,
    )
    return done


def kill_before(*arguments, **options):
    done = stop_before(*arguments, **options)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_terminated_run_saves_and_goes_on(crops, full_run, tmp_path):
    options = by_iterations(interval=8)
    done = stop_before(crops, tmp_path, 5, number=signal.SIGTERM, **options)
    assert done.returncode == 143, done.stderr
    assert '--resume' in done.stderr and 'Traceback' not in done.stderr
    (stopped,) = tmp_path.glob('stopped_iter_*.pth')
    train(crops, tmp_path, '--resume', **options)
    assert_same_run(load(tmp_path), load(full_run))
    assert not stopped.exists()


def test_killed_run_goes_on(crops, full_run, tmp_path):
    """The batch after the last checkpoint is lost and done again."""
    options = by_iterations(interval=2)
    kill_before(crops, tmp_path, 7, **options)
    assert (tmp_path / 'iter_6.pth').is_file()
    assert not (tmp_path / 'iter_8.pth').exists()
    train(crops, tmp_path, '--resume', **options)
    assert_same_run(load(tmp_path), load(full_run))


@pytest.mark.slow
def test_run_that_is_killed_time_and_again_goes_on(crops, full_run, tmp_path):
    options = {
        'train_dataloader.num_workers': 2,
        'train_dataloader.persistent_workers': True,
        **by_iterations(),
    }
    for iteration in range(1, 8):
        kill_before(crops, tmp_path, iteration, '--resume', **options)
    train(crops, tmp_path, '--resume', **options)
    assert_same_run(load(tmp_path), load(full_run))


def test_damaged_checkpoint_costs_a_batch_and_not_the_run(
    crops, full_run, tmp_path
):
    for name in ('iter_2.pth', 'iter_3.pth'):
        (tmp_path / name).write_bytes((full_run / name).read_bytes())
    damaged = tmp_path / 'iter_3.pth'
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    (tmp_path / 'last_checkpoint').write_text(str(damaged))
    train(crops, tmp_path, '--resume', **by_iterations())
    assert_same_run(load(tmp_path), load(full_run))
    (log,) = tmp_path.rglob('*.log')
    text = log.read_text()
    assert f'WARNING - {damaged} is truncated' in text
    assert f'Going on from {tmp_path / "iter_2.pth"}' in text


@pytest.mark.slow
def test_two_ranks_go_on_as_well(crops, tmp_path):
    options = {
        **train_options(crops, tmp_path / 'ranks'),
        **by_iterations(),
        'train_dataloader.batch_size': 4,
        'train_dataloader.num_workers': 1,
    }
    full, resumed = tmp_path / 'full', tmp_path / 'resumed'
    config = DATA / 'tiny_train.py'
    states = run_on_ranks(train_on_rank, config, full, options)
    options |= {'resume': True, 'load_from': str(full / 'iter_6.pth')}
    again = run_on_ranks(train_on_rank, config, resumed, options)
    for state in again:
        assert_same(state, states[0])
    assert_same_run(load(resumed), load(full))


def test_epochs_of_another_length_are_refused(crops, full_run, tmp_path):
    options = {
        'train_dataloader.batch_size': 16,
        'custom_hooks.0.num_instances': '[4,4]',
    }
    with pytest.raises(ValueError, match=r'of 4 batches, now 2'):
        train(crops, tmp_path, '--resume', full_run / 'iter_6.pth', **options)


@pytest.mark.parametrize(
    ('num_workers', 'persistent'), [(0, False), (2, False), (2, True)]
)
def test_random_views_go_on_as_well(crops, tmp_path, num_workers, persistent):
    options = {
        f'{DATASET}.pipeline.1.type': 'MultiCrop',
        'train_dataloader.num_workers': num_workers,
        'train_dataloader.persistent_workers': persistent,
        **by_iterations(),
    }
    case = f'{num_workers}_{persistent}'
    full, resumed = (tmp_path / f'{name}_{case}' for name in ('full', 'rest'))
    train(crops, full, **options)
    options['train_dataloader.num_workers'] = 1 if num_workers else 0
    train(crops, resumed, '--resume', full / 'iter_3.pth', **options)
    assert_same_run(load(resumed), load(full))
