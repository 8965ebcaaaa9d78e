import pytest
import torch

from mmcion.apis import extract, features
from mmcion.apis.extract import image_loader


@pytest.fixture
def config(tmp_path):
    """Config of a tiny network and its images."""
    path = tmp_path / 'config.py'
    path.write_text(
        """
model = dict(
    type='ReIDModel', backbone=dict(type='TinyBackbone', use_bn=True)
)
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(16, 8)),
    dict(type='PackReIDInputs'),
]))
"""
    )
    return path


@pytest.fixture(params=[0, 2])
def worker_processes(request, monkeypatch):
    """Load images as for a CPU, then by two processes as for a GPU."""
    if request.param:
        # no tensor is moved, so `meta` stands for a GPU
        def loader(dataset, device, num_workers, **options):
            del device, num_workers
            meta = torch.device('meta')
            return image_loader(dataset, meta, request.param, **options)

        monkeypatch.setattr(extract, 'image_loader', loader)
        monkeypatch.setattr(features, 'image_loader', loader)
