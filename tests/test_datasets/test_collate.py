import torch
from mmengine.registry import FUNCTIONS

from mmcion.datasets import collate_views
from mmcion.datasets.transforms import MultiCrop, PackReIDInputs
from mmcion.structures import ViewPlan


def items(on_device):
    transform = MultiCrop((16, 8), (8, 4), 1, on_device=on_device)
    images = [torch.zeros(3, 20 + i, 10, dtype=torch.uint8) for i in range(2)]
    return [
        PackReIDInputs()(transform({'img': image, 'pid': pid}))
        for pid, image in enumerate(images)
    ]


def test_views_are_stacked():
    batch = collate_views(items(on_device=False))
    assert [tuple(view.shape) for view in batch['inputs']] == [
        (2, 3, 16, 8),
        (2, 3, 16, 8),
        (2, 3, 8, 4),
    ]
    assert [sample.pid for sample in batch['data_samples']] == [0, 1]


def test_images_for_the_device_become_one_plan():
    batch = collate_views(items(on_device=True))
    assert isinstance(batch['inputs'], ViewPlan)
    assert batch['inputs'].images.shape == (2, 21, 10, 3)
    assert batch['inputs'].boxes.shape == (2, 3, 4)
    assert [sample.pid for sample in batch['data_samples']] == [0, 1]


def test_configs_reach_it_by_name():
    assert FUNCTIONS.get('mmcion.collate_views') is collate_views
