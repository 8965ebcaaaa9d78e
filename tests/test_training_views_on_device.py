"""Whole runs whose views are made by the data preprocessor."""

import json

import pytest
import torch

from tests.training_utils import load, train

ON_DEVICE = {'train_dataloader.dataset.pipeline.1.on_device': True}


def losses(work_dir):
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    lines = map(json.loads, log.read_text().splitlines())
    return torch.tensor([line['loss'] for line in lines])


@pytest.fixture(scope='module')
def on_device_run(crops, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('on_device')
    train(crops, work_dir, **ON_DEVICE)
    return work_dir


def test_training_is_that_of_views_made_by_workers(full_run, on_device_run):
    by_workers, on_device = map(losses, (full_run, on_device_run))
    assert len(by_workers) == 8
    torch.testing.assert_close(on_device, by_workers, rtol=1e-3, atol=0)
    # the same random numbers, but not the same code
    assert not torch.equal(by_workers, on_device)


def test_worker_processes_can_hand_plans_over(crops, on_device_run, tmp_path):
    workers = {'train_dataloader.num_workers': 2}
    train(crops, tmp_path, **ON_DEVICE, **workers)
    here, workers = map(load, (on_device_run, tmp_path))
    for name, value in here['state_dict'].items():
        assert torch.equal(value, workers['state_dict'][name]), name
