import pytest
import torch
from torchvision.transforms import RandomResizedCrop

from mmcion.datasets.transforms import BoxedResizedCrop, BoxedViews
from mmcion.utils.checks import UserError


def make_image(height=40, width=20):
    rng = torch.Generator().manual_seed(0)
    shape = (3, height, width)
    return torch.randint(256, shape, dtype=torch.uint8, generator=rng)


@pytest.mark.parametrize('seed', range(3))
def test_crop_is_that_of_torchvision(seed):
    image = make_image()
    torch.manual_seed(seed)
    expected = RandomResizedCrop((16, 8), (0.2, 1.0))(image)
    torch.manual_seed(seed)
    results = BoxedResizedCrop((16, 8))({'img': image})
    assert torch.equal(results['img'], expected)


def test_box_is_where_the_crop_was():
    # the first channel holds the row, the second one the column
    image = torch.zeros(3, 200, 100)
    image[0] = torch.arange(200)[:, None]
    image[1] = torch.arange(100)
    results = BoxedResizedCrop((32, 16), ratio=(0.4, 0.6))({'img': image})
    top, left, height, width = results['crop_box']
    view = results['img']
    middle = view.mean((1, 2)) + 0.5
    assert middle[0] == pytest.approx(200 * (top + height / 2), abs=1)
    assert middle[1] == pytest.approx(100 * (left + width / 2), abs=1)
    assert 0 < height < 1 and 0 < width < 1


def test_views_and_their_boxes():
    image = make_image()
    kept = image.clone()
    crop = {'type': 'BoxedResizedCrop', 'size': (16, 8)}
    erase = {'type': 'RandomErasing', 'probability': 1.0}
    whole = {'type': 'ResizeImage', 'size': (16, 8)}
    views = BoxedViews([[crop, erase], [whole]], [2, 1])
    results = views({'img': image, 'pid': 3})
    assert [tuple(view.shape) for view in results['views']] == [(3, 16, 8)] * 3
    first, second, last = results['crop_boxes']
    assert first != second and last == (0, 0, 1, 1)
    assert results['pid'] == 3
    assert torch.equal(image, kept)


def test_numbers_of_pipelines_and_views():
    with pytest.raises(ValueError, match='longer'):
        BoxedViews([[]], [1, 1])


def test_size():
    with pytest.raises(UserError, match='16'):
        BoxedResizedCrop(16)
