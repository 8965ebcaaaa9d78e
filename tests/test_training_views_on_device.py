"""Whole runs whose views are made by the data preprocessor."""

import json

import torch

from tests.training_utils import load, train

ON_DEVICE = {'train_dataloader.dataset.pipeline.1.on_device': True}


def losses(work_dir):
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    lines = map(json.loads, log.read_text().splitlines())
    return torch.tensor([line['loss'] for line in lines])


def test_training_is_that_of_views_made_by_workers(crops, tmp_path):
    folders = tmp_path / 'by_workers', tmp_path / 'on_device'
    train(crops, folders[0])
    train(crops, folders[1], **ON_DEVICE)
    by_workers, on_device = map(losses, folders)
    assert len(by_workers) == 8
    torch.testing.assert_close(on_device, by_workers, rtol=1e-3, atol=0)
    # the same random numbers, but not the same code
    assert not torch.equal(by_workers, on_device)


def test_worker_processes_can_hand_plans_over(crops, tmp_path):
    train(crops, tmp_path / 'here', **ON_DEVICE)
    workers = {'train_dataloader.num_workers': 2}
    train(crops, tmp_path / 'workers', **ON_DEVICE, **workers)
    here, workers = (load(tmp_path / x) for x in ('here', 'workers'))
    for name, value in here['state_dict'].items():
        assert torch.equal(value, workers['state_dict'][name]), name
