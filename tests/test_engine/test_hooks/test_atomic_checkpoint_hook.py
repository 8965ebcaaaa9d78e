import os
import signal

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmcion.engine.hooks.atomic_checkpoint_hook import (
    AtomicBackend,
    AtomicCheckpointHook,
)


class Model(nn.Linear):
    def train_step(self, data, optim_wrapper):
        optim_wrapper.update_params(self(torch.ones(1, 1)).sum())
        return {}


def make_runner(work_dir, **options):
    return Runner(
        Model(1, 1),
        str(work_dir),
        train_dataloader={
            'dataset': list(range(3)),
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'batch_size': 1,
        },
        train_cfg={'by_epoch': True, 'max_epochs': 3},
        optim_wrapper={'optimizer': {'type': 'SGD', 'lr': 1}},
        default_hooks={
            'checkpoint': {'type': 'mmcion.AtomicCheckpointHook', **options}
        },
        # the scope outlives the test
        default_scope='mmcion',
        experiment_name=work_dir.name,
    )


def files(work_dir):
    return sorted(path.name for path in work_dir.glob('*.pth'))


def test_saves_what_mmengine_does(tmp_path):
    make_runner(tmp_path, interval=1, max_keep_ckpts=2).train()
    assert files(tmp_path) == ['epoch_2.pth', 'epoch_3.pth']
    last = (tmp_path / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'epoch_3.pth')
    checkpoint = torch.load(last, weights_only=False)
    assert checkpoint['meta']['epoch'] == 3
    assert checkpoint['meta']['iter'] == 9
    assert {'optimizer', 'message_hub', 'state_dict'} <= set(checkpoint)
    assert checkpoint['message_hub']['runtime_info']['keep_ckpt_ids'] == [2, 3]


def test_old_checkpoint_stays_until_the_new_one_is_there(
    tmp_path, monkeypatch
):
    seen = []
    put = AtomicBackend.put

    def record(self, obj, filepath):
        seen.append(files(tmp_path))
        put(self, obj, filepath)

    monkeypatch.setattr(AtomicBackend, 'put', record)
    make_runner(tmp_path, interval=1, max_keep_ckpts=1).train()
    assert seen == [[], ['epoch_1.pth'], ['epoch_2.pth']]
    assert files(tmp_path) == ['epoch_3.pth']


def test_failed_write_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(b'before')

    def fail(descriptor):
        raise OSError('no space left')

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='no space left'):
        AtomicBackend().put(b'after', path)
    assert path.read_bytes() == b'before'
    assert list(tmp_path.iterdir()) == [path]


def test_leavings_of_a_killed_run_are_removed(tmp_path):
    part = tmp_path / '.epoch_1.pth.0123abcd.tmp'
    part.write_bytes(b'half')
    make_runner(tmp_path, interval=1).train()
    assert not part.exists()


def test_other_storages_write_in_their_own_way():
    hook = AtomicCheckpointHook(backend_args={'backend': 'petrel'})
    assert hook.backend_args == {'backend': 'petrel'}


@pytest.mark.parametrize('where', ['weight', 'state'])
def test_nothing_that_is_not_finite_is_saved(tmp_path, where):
    runner = make_runner(
        tmp_path,
        interval=1,
    )

    class Spoil(Hook):
        def before_train_iter(self, runner, *_, **__):
            if runner.epoch == 1:
                optimizer = runner.optim_wrapper.optimizer
                if where == 'weight':
                    runner.model.weight.data.fill_(torch.nan)
                else:
                    state = optimizer.state[runner.model.weight]
                    state['momentum'] = torch.tensor(torch.inf)

    runner.register_hook(Spoil())
    with pytest.raises(FloatingPointError, match='iteration 5|iteration 6'):
        runner.train()
    assert files(tmp_path) == ['epoch_1.pth']
    last = (tmp_path / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'epoch_1.pth')


def test_checkpoint_that_should_have_gone_is_removed(tmp_path):
    make_runner(tmp_path, interval=1, max_keep_ckpts=1).train()
    for name in ('epoch_2.pth', 'mine.pth'):
        (tmp_path / name).write_bytes(b'')
    runner = make_runner(tmp_path, interval=1, max_keep_ckpts=1)
    runner._resume, runner._load_from = True, str(tmp_path / 'epoch_3.pth')
    runner.train()
    assert files(tmp_path) == ['epoch_3.pth', 'mine.pth']


def test_sigterm_saves_at_the_end_of_the_iteration(tmp_path):
    def end(number, frame):
        raise SystemExit(128 + number)

    class Stop(Hook):
        def before_train_iter(self, runner, *_, **__):
            if runner.iter == 4:
                signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        runner = make_runner(tmp_path, interval=1)
        runner.register_hook(Stop())
        with pytest.raises(SystemExit, match='143'):
            runner.train()
        assert signal.getsignal(signal.SIGTERM) is end
    finally:
        signal.signal(signal.SIGTERM, before)
    last = tmp_path / 'stopped_iter_5.pth'
    assert (tmp_path / 'last_checkpoint').read_text() == str(last)
    meta = torch.load(last, weights_only=False)['meta']
    assert (meta['epoch'], meta['iter']) == (1, 5)
    # the next regular checkpoint takes its place
    make_runner(tmp_path, interval=1).train()
    assert not last.exists()
