"""Whole runs on tiny data: training, resuming, two ranks, evaluation."""

import json
import re

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from torch.multiprocessing import ProcessRaisedException

from tests.dist_utils import run_on_ranks
from tests.golden import DATA
from tests.tiny import make_pretrainer, write_query_gallery
from tests.tool_utils import call_main
from tests.training_utils import (
    DATASET,
    assert_same,
    load,
    logged,
    losses,
    train,
    train_on_rank,
    train_options,
)


def tensorboard_scalars(work_dir):
    (path,) = work_dir.rglob('events.out.tfevents.*')
    events = EventAccumulator(str(path)).Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()['scalars']
    }


def test_two_epochs_leave_what_a_run_should(full_run):
    checkpoint = load(full_run)
    start = make_pretrainer().state_dict()
    assert checkpoint['state_dict'].keys() == start.keys()
    assert len(losses(checkpoint)) == 2 * 4
    assert np.isfinite(losses(checkpoint)).all()
    assert checkpoint['meta']['epoch'] == 2
    name = 'projector.last_layer.parametrizations.weight.original1'
    student = [
        load(full_run, epoch)['state_dict'][f'student.{name}']
        for epoch in (1, 2)
    ]
    teacher = load(full_run, 1)['state_dict'][f'teacher.{name}']
    # both still hold the first values after the frozen epoch
    torch.testing.assert_close(student[0], teacher, rtol=0, atol=0)
    assert not torch.equal(student[1], student[0])


def test_log_line_says_how_long_it_takes(full_run):
    (log,) = full_run.rglob('*.log')
    lines = re.findall(r'Epoch\(train\).*', log.read_text())
    assert len(lines) == 2 * 4
    number = r'\d+\.\d{4}'
    pattern = (
        rf'eta: \S+  time: {number}  data_time: {number}  .*'
        rf'images_per_second: {number}'
    )
    assert all(re.search(pattern, line) for line in lines)


def test_images_per_second_are_those_of_the_window_of_time(full_run):
    rates, times = (
        np.array(logged(load(full_run), name))
        for name in ('images_per_second', 'time')
    )
    assert len(rates) == 8  # less than the window
    np.testing.assert_allclose(
        rates, 8 * np.arange(1, 9) / times.cumsum(), rtol=1e-12
    )


def test_tensorboard_shows_the_run(full_run):
    scalars = tensorboard_scalars(full_run)
    assert {'loss', 'lr', 'images_per_second', 'time'} <= set(scalars)
    assert [step for step, _ in scalars['lr']] == list(range(1, 9))
    rates = logged(load(full_run), 'images_per_second')
    assert [value for _, value in scalars['images_per_second']] == (
        pytest.approx(rates)
    )


def test_same_seed_gives_the_same_run(crops, full_run, tmp_path):
    train(crops, tmp_path)
    assert_same(load(tmp_path)['state_dict'], load(full_run)['state_dict'])


def test_seed_counts(crops, full_run, tmp_path):
    train(crops, tmp_path, '--seed', 1)
    assert losses(load(tmp_path)) != losses(load(full_run))


def test_resume_equals_no_interruption(crops, full_run, tmp_path):
    train(crops, tmp_path, '--resume', full_run / 'epoch_1.pth')
    resumed, expected = load(tmp_path), load(full_run)
    assert losses(resumed) == losses(expected)
    shown, before = map(tensorboard_scalars, (tmp_path, full_run))
    assert shown['loss'] == before['loss'][4:]
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


# the others always run within epochs, in test_resume_within_epoch.py
@pytest.mark.parametrize(
    ('num_workers', 'persistent'),
    [
        pytest.param(0, False, marks=pytest.mark.slow),
        pytest.param(2, False, marks=pytest.mark.slow),
        (2, True),
    ],
)
def test_resume_equals_no_interruption_with_random_views(
    crops, tmp_path, num_workers, persistent
):
    options = {
        f'{DATASET}.pipeline.1.type': 'MultiCrop',
        'train_dataloader.num_workers': num_workers,
        'train_dataloader.persistent_workers': persistent,
    }
    case = f'{num_workers}_{persistent}'
    runs = [tmp_path / f'{name}_{case}' for name in ('full', 'resumed')]
    train(crops, runs[0], **options)
    train(crops, runs[1], '--resume', runs[0] / 'epoch_1.pth', **options)
    resumed, expected = (load(run) for run in reversed(runs))
    assert losses(resumed) == losses(expected)
    assert_same(resumed['state_dict'], expected['state_dict'])


def test_resume_finds_the_last_checkpoint(crops, full_run, tmp_path):
    for name in ('epoch_1.pth', 'last_checkpoint'):
        (tmp_path / name).write_bytes((full_run / name).read_bytes())
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))
    train(crops, tmp_path, '--resume')
    assert losses(load(tmp_path)) == losses(load(full_run))
    (log,) = tmp_path.rglob('*.log')
    assert 'resumed epoch: 1' in log.read_text()


def test_pure_python_config_trains(crops, tmp_path):
    train(crops, tmp_path, config='tiny_train_python.py')
    checkpoint = load(tmp_path, epoch=1)
    assert np.isfinite(losses(checkpoint)).all()
    weights = checkpoint['state_dict'].values()
    assert {w.dtype for w in weights} == {torch.float32, torch.int64}


def test_learning_rate_is_scaled_with_the_batch(crops, full_run, tmp_path):
    options = {'auto_scale_lr.base_batch_size': 16}
    train(crops, tmp_path, '--auto-scale-lr', **options)
    rates = [logged(load(run), 'lr') for run in (full_run, tmp_path)]
    # but for the floor of the cosine
    assert rates[1][:6] == pytest.approx([rate / 2 for rate in rates[0][:6]])


def test_learning_rate_is_scaled_with_the_batches_of_a_step(crops, tmp_path):
    options = {
        'auto_scale_lr.base_batch_size': 16,
        'optim_wrapper.accumulative_counts': 2,
    }
    train(crops, tmp_path, '--auto-scale-lr', **options)
    # 2 x 8 images a step, so the rate of the config
    assert logged(load(tmp_path), 'lr')[3] == pytest.approx(1e-2)


def test_two_ranks_equal_one_process_with_both_batches(
    crops, full_run, tmp_path
):
    """Holds because the mean over ranks is the loss of both batches.

    The loss is a mean over identities, an identity's group is on one rank,
    and both ranks have equally many; and the sampler deals the groups of the
    one process's batch to the ranks.
    """
    options = {
        **train_options(crops, tmp_path),
        'train_dataloader.batch_size': 4,
    }
    states = run_on_ranks(
        train_on_rank, DATA / 'tiny_train.py', tmp_path, options
    )
    assert_same(states[0], states[1])
    checkpoint = load(tmp_path)
    assert_same(states[0], checkpoint['state_dict'])
    rate, time = (
        logged(checkpoint, name)[0] for name in ('images_per_second', 'time')
    )
    assert rate * time == pytest.approx(8)
    expected = load(full_run)['state_dict']
    for name, value in states[0].items():
        torch.testing.assert_close(
            value, expected[name], rtol=0, atol=1e-5, msg=name
        )


def test_error_on_one_rank_ends_all(crops, tmp_path):
    with pytest.raises(
        ProcessRaisedException, match='nowhere|Connection .* by peer'
    ):
        run_on_ranks(
            train_on_rank,
            DATA / 'tiny_train.py',
            tmp_path,
            train_options(crops, tmp_path),
            1,
        )


@pytest.mark.slow
def test_teacher_of_a_run_is_evaluated(full_run, tmp_path):
    images = write_query_gallery(tmp_path / 'images')
    call_main(
        *('test.py', DATA / 'tiny_test.py', full_run / 'epoch_2.pth'),
        *('--work-dir', tmp_path, '--out', tmp_path / 'scores.json'),
        *('--dump-features', tmp_path / 'features.npz', '--cfg-options'),
        f'test_dataloader.dataset.ann_file={images}/query_gallery.csv',
        f'test_dataloader.dataset.data_root={images}',
        f'experiment_name={tmp_path.name}',
    )
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert 0 < scores['reid/mAP'] <= 1
    dumped = np.load(tmp_path / 'features.npz')
    model = make_pretrainer().eval()
    model.load_state_dict(load(full_run)['state_dict'])
    pipeline = Compose(Config.fromfile(DATA / 'tiny_test.py').test_pipeline)
    for path, feature in zip(
        dumped['img_path'], dumped['feature'], strict=True
    ):
        inputs = pipeline({'img_path': path})['inputs']
        expected = model(
            model.data_preprocessor({'inputs': [inputs]})['inputs']
        )
        torch.testing.assert_close(torch.from_numpy(feature), expected[0])
    assert len(dumped['pid']) == 8
