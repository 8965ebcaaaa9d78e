import torch

from mmcion.models.backbones.ibn import IBN


def test_ibn_normalises_one_half_by_image_and_one_by_batch():
    torch.manual_seed(0)
    layer = IBN(5)
    x = torch.randn(4, 5, 6, 3) * torch.arange(1, 5).view(4, 1, 1, 1) + 3
    out = layer(x)
    first, second = out[:, :2], out[:, 2:]
    zeros, ones = torch.zeros(4, 2), torch.ones(4, 2)
    torch.testing.assert_close(first.mean((2, 3)), zeros, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        first.std((2, 3), correction=0), ones, atol=1e-4, rtol=0
    )
    torch.testing.assert_close(
        second.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0
    )
    # by batch: images keep their different spreads
    spread = second.std((2, 3)).mean(1)
    assert (spread.diff() > 0.1).all()


def test_ibn_takes_channels_last_maps():
    torch.manual_seed(0)
    layer = IBN(6)
    x = torch.randn(2, 6, 5, 3)
    plain = layer(x)
    nhwc = layer(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(nhwc, plain)
