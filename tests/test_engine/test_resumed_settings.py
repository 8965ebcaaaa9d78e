"""What a resumed run does with other settings than its checkpoint's."""

import pytest
import torch

from mmcion.models.weights import read_checkpoint
from mmcion.utils.checks import UserError
from tests.training_utils import load, logged, losses, train


def text_of_log(work_dir):
    (log,) = work_dir.rglob('*.log')
    return log.read_text()


def rates(crops, work_dir, *arguments, **options):
    train(crops, work_dir, *arguments, **options)
    last = max(int(p.stem[6:]) for p in work_dir.glob('epoch_*.pth'))
    return logged(load(work_dir, last), 'lr')


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'train_cfg.max_epochs': 4}, 'param_scheduler.0.end: 8 -> 16'),
        ({'optim_wrapper.optimizer.lr': 1e-3}, 'initial_lr: 0.01 -> 0.001'),
        ({'param_scheduler.0.eta_min': 1e-4}, 'eta_min'),
    ],
    ids=['epochs', 'lr', 'eta_min'],
)
def test_schedule_is_that_of_the_config(
    crops, full_run, tmp_path, options, named
):
    expected = rates(crops, tmp_path / f'new_{named[:20]}', **options)
    resumed = tmp_path / f'resumed_{named[:20]}'
    found = rates(
        crops, resumed, '--resume', full_run / 'epoch_1.pth', **options
    )
    assert found[4:] == expected[4:]
    assert named in text_of_log(resumed)


def test_option_of_the_optimizer_is_that_of_the_config(
    crops, full_run, tmp_path
):
    options = {'optim_wrapper.optimizer.weight_decay': 0.5}
    train(crops, tmp_path, '--resume', full_run / 'epoch_1.pth', **options)
    assert 'weight_decay: 0.04 -> 0.5' in text_of_log(tmp_path)
    groups = load(tmp_path)['optimizer']['param_groups']
    assert groups[0]['weight_decay'] == 0.5


def test_same_settings_are_not_mentioned(crops, full_run, tmp_path):
    train(crops, tmp_path, '--resume', full_run / 'epoch_1.pth')
    assert 'settings of the config' not in text_of_log(tmp_path)


def test_other_batch_size_is_accepted_for_good(crops, full_run, tmp_path):
    """From epochs of 4 batches to some of 8, and within one of these."""
    options = {
        'train_dataloader.batch_size': 4,
        'train_cfg.max_epochs': 3,
        'custom_hooks.0.num_instances': '[2,2]',
        'default_hooks.checkpoint.by_epoch': False,
        'default_hooks.checkpoint.max_keep_ckpts': -1,
    }
    first, second = tmp_path / 'first', tmp_path / 'second'
    train(crops, first, '--resume', full_run / 'epoch_1.pth', **options)
    assert '8 batches now, 4 before' in text_of_log(first)
    train(crops, second, '--resume', first / 'iter_19.pth', **options)
    ends = [read_checkpoint(run / 'iter_24.pth') for run in (first, second)]
    assert losses(ends[0])[-5:] == losses(ends[1])[-5:]


def test_checkpoint_of_another_network_is_refused(crops, full_run, tmp_path):
    options = {
        'model.projector.hidden_channels': 20,
        'load_from': full_run / 'epoch_1.pth',
    }
    with pytest.raises(UserError, match='CION.*of another shape'):
        train(crops, tmp_path, **options)


def test_checkpoint_with_nan_is_passed_over(crops, full_run, tmp_path):
    for epoch in (1, 2):
        content = torch.load(
            full_run / f'epoch_{epoch}.pth', weights_only=False
        )
        if epoch == 2:
            content['optimizer']['state'][0]['exp_avg'].fill_(float('nan'))
        torch.save(content, tmp_path / f'epoch_{epoch}.pth')
    (tmp_path / 'last_checkpoint').write_text(f'{tmp_path}/epoch_2.pth')
    train(crops, tmp_path, '--resume')
    assert 'exp_avg' in text_of_log(tmp_path)
    assert losses(load(tmp_path)) == losses(load(full_run))
