import pytest
import torch

from mmcion.datasets import collate_views
from mmcion.datasets.transforms import MultiCrop, PackReIDInputs
from mmcion.models import ReIDDataPreprocessor
from mmcion.models.utils import make_views
from mmcion.utils.checks import UserError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def random_images(*shape):
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)


def normalised(images):
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (MEAN, STD))
    return (images / 255 - mean) / std


def test_batch_is_normalised_with_the_figures_of_imagenet():
    images = random_images(2, 3, 6, 4)
    batch = ReIDDataPreprocessor()({'inputs': images, 'data_samples': 'x'})
    assert batch['data_samples'] == 'x'
    assert batch['inputs'].dtype == torch.float32
    torch.testing.assert_close(batch['inputs'], normalised(images))


def test_list_of_images_is_stacked():
    images = random_images(2, 3, 6, 4)
    batch = ReIDDataPreprocessor()({'inputs': list(images)})
    torch.testing.assert_close(batch['inputs'], normalised(images))


def test_views_stay_apart():
    views = [random_images(2, 3, 6, 4), random_images(2, 3, 3, 2)]
    batch = ReIDDataPreprocessor()({'inputs': views}, training=True)
    for got, view in zip(batch['inputs'], views, strict=True):
        torch.testing.assert_close(got, normalised(view))


def test_planned_views_are_made_and_normalised():
    transform = MultiCrop((16, 8), (8, 4), num_local=1, on_device=True)
    items = [
        PackReIDInputs()(transform({'img': random_images(3, 20 + i, 10)}))
        for i in range(2)
    ]
    plan = collate_views(items)['inputs']
    batch = ReIDDataPreprocessor()({'inputs': plan}, training=True)
    views = make_views(plan, 'cpu')
    assert [len(view) for view in batch['inputs']] == [2, 2, 2]
    for got, view in zip(batch['inputs'], views, strict=True):
        torch.testing.assert_close(got, normalised(view))


def test_images_stay_as_they_were():
    images = random_images(2, 3, 6, 4)
    before = images.clone()
    ReIDDataPreprocessor()({'inputs': images})
    assert torch.equal(images, before)


def test_without_mean_and_std_images_are_scaled_to_one():
    images = random_images(2, 3, 6, 4)
    batch = ReIDDataPreprocessor(mean=None, std=None)({'inputs': images})
    torch.testing.assert_close(batch['inputs'], images / 255)


def test_mean_without_std_is_refused():
    with pytest.raises(UserError, match='both mean and std'):
        ReIDDataPreprocessor(mean=None)


def test_nothing_of_it_is_in_checkpoints():
    assert not ReIDDataPreprocessor().state_dict()
