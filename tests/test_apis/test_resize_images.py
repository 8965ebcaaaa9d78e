import pytest
import torch

from mmcion.apis.resize_images import resize_images
from mmcion.datasets.transforms import ResizeImage


@pytest.mark.parametrize('mode', ['bicubic', 'bilinear'])
@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ((20, 24), (32, 16)),
        ((20, 24), (33, 50)),
        ((20, 24), (7, 9)),
        ((64, 32), (96, 32)),  # one axis only
        ((300, 130), (64, 32)),
        ((999, 701), (32, 16)),  # weights of more bits
    ],
)
def test_every_level_is_that_of_the_transform(old, new, mode):
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(
        0, 256, (2, 3, *old), dtype=torch.uint8, generator=rng
    )
    wanted = ResizeImage(new, mode)({'img': images})['img']
    found = resize_images(images, new, mode)
    torch.testing.assert_close(found.byte(), wanted, rtol=0, atol=0)
