import pytest
import torch

from mmcion.models.backbones import ResNetIBN
from mmcion.models.backbones.resnet_ibn import IBN
from mmcion.models.utils import pooled_feature
from tests.golden import fill_resnet, golden_image, read_golden

GOLDEN = read_golden('backbones')


@pytest.mark.parametrize('depth', [18, 50])
def test_names_and_shapes_of_the_released_checkpoints(depth):
    state = ResNetIBN(depth).state_dict()
    shapes = {name: list(tensor.shape) for name, tensor in state.items()}
    assert shapes == GOLDEN[f'resnet{depth}_ibn']['shapes']


@pytest.mark.parametrize(
    ('depth', 'num_tensors', 'millions'),
    [
        (18, 132, 11.177),
        (50, 344, 23.508),
        (101, 684, 42.500),
        (152, 1024, 58.144),
    ],
)
def test_published_size(depth, num_tensors, millions):
    model = ResNetIBN(depth)
    total = sum(p.numel() for p in model.parameters())
    assert len(model.state_dict()) == num_tensors
    assert total / 1e6 == pytest.approx(millions, abs=0.0005)


@pytest.mark.parametrize('depth', [18, 50])
def test_golden_output(depth):
    golden = GOLDEN[f'resnet{depth}_ibn']['output']
    model = ResNetIBN(depth)
    model.eval()
    fill_resnet(model)
    with torch.no_grad():
        feats = pooled_feature(model(golden_image(256, 128)))
    assert list(feats.shape) == golden['shape']
    got = [
        feats.mean(),
        feats.abs().mean(),
        *feats[0, :4],
        *feats[-1, -4:],
    ]
    expected = [
        golden['mean'],
        golden['absmean'],
        *golden['first'],
        *golden['last'],
    ]
    # the figures have eight decimals
    assert [float(x) for x in got] == pytest.approx(
        expected, rel=1e-6, abs=1e-8
    )
    difference = (feats[0] - feats[1]).abs().mean()
    # given with six digits
    assert float(difference) == pytest.approx(
        golden['mean_difference'], rel=5e-6
    )


def test_last_stage_keeps_the_resolution():
    model = ResNetIBN(18)
    model.eval()
    with torch.no_grad():
        (last,) = model(torch.zeros(1, 3, 64, 32))
    assert last.shape == (1, 512, 4, 2)


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
