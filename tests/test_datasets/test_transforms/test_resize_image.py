import pytest
import torch
from torchvision.transforms.v2.functional import resize

from mmcion.datasets.transforms import ResizeImage
from mmcion.utils.checks import UserError


def test_image_gets_the_size():
    image = torch.randint(0, 256, (3, 40, 31), dtype=torch.uint8)
    results = ResizeImage((16, 8))({'img': image, 'pid': 3})
    assert results['img'].shape == (3, 16, 8)
    assert results['img'].dtype == torch.uint8
    assert results['pid'] == 3


def test_image_of_that_size_stays():
    image = torch.randint(0, 256, (3, 16, 8), dtype=torch.uint8)
    assert torch.equal(ResizeImage((16, 8))({'img': image})['img'], image)


def test_shrinking_is_antialiased():
    stripes = torch.tensor([0, 255], dtype=torch.uint8).repeat(32)
    image = stripes.expand(3, 64, 64)
    shrunk = ResizeImage((16, 16))({'img': image})['img'][..., 1:-1].int()
    # inside; taking every fourth pixel would give black or white
    assert (shrunk - 127).abs().max() <= 4


def test_bilinear_is_that_of_torchvision():
    image = torch.randint(0, 256, (3, 40, 31), dtype=torch.uint8)
    found = ResizeImage((16, 8), 'bilinear')({'img': image})['img']
    assert torch.equal(found, resize(image, [16, 8]))
    assert not torch.equal(found, ResizeImage((16, 8))({'img': image})['img'])


def test_interpolation_is_checked():
    with pytest.raises(UserError, match='nearest'):
        ResizeImage((16, 8), 'nearest')


@pytest.mark.parametrize('size', [128, (0, 64), (128,), '128'])
def test_size_must_be_two_positive_integers(size):
    with pytest.raises(UserError, match='size'):
        ResizeImage(size)
