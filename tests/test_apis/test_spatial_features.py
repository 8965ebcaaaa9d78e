import pytest
import torch
from torch import nn

from mmcion.apis.spatial_features import watch_spatial_features
from mmcion.models import build_backbone


def watch(network, size=(64, 32)):
    with (
        watch_spatial_features(network, size) as found,
        torch.no_grad(),
    ):
        output = network.eval()(torch.rand(1, 3, *size))
    return found, output


@pytest.mark.parametrize(
    ('arch', 'shape'),
    [
        ('resnet18', (1, 512, 4, 2)),
        ('ghostnet_0_5', (1, 480, 2, 1)),
        ('edgenext_x_small', (1, 192, 2, 1)),
        ('swin_tiny', (1, 768, 2, 1)),
        ('vit_tiny', (1, 192, 4, 2)),
        ('volo_d1', (1, 384, 4, 2)),
    ],
)
def test_last_map_of_models_of_the_zoo(arch, shape):
    found, _ = watch(build_backbone(arch))
    assert found.as_map(found.tensor).shape == shape


def test_tokens_lie_in_their_places():
    network = build_backbone('vit_tiny')
    network.model.pos_embed.data.zero_()
    for block in network.model.blocks[:-1]:  # only the patches count
        block.attn.proj.weight.data.zero_()
        block.attn.proj.bias.data.zero_()
        block.mlp.fc2.weight.data.zero_()
        block.mlp.fc2.bias.data.zero_()
    found = []
    for column in (0, 16):
        image = torch.zeros(1, 3, 64, 32)
        image[:, :, 36:44, column + 4 : column + 12] = 1
        with (
            watch_spatial_features(network.eval(), (64, 32)) as watched,
            torch.no_grad(),
        ):
            network(image)
        found.append(watched.as_map(watched.tensor)[0])
    moved = (found[0] - found[1]).norm(dim=0)
    assert sorted(moved.flatten().topk(2).indices.tolist()) == [4, 5]


def test_last_map_of_a_network_is_found():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1),
        nn.Conv2d(4, 6, 3, 2, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 2),
    )
    found, _ = watch(network)
    assert found.name == '1'
    assert found.tensor.shape == (1, 6, 16, 8)


def test_last_of_several_outputs_counts():
    class Stages(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, 2, 1)

        def forward(self, x):
            x = self.conv(x)
            return x, x[:, :, ::2, ::2]

    found, output = watch(Stages())
    assert found.name == ''
    assert found.tensor is output[-1]


def test_attention_is_no_map():
    class Attention(nn.Module):
        def forward(self, x):
            return x.new_zeros(1, 3, 33, 33)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 8, 8)
            self.attention = Attention()

        def forward(self, x):
            y = self.conv(x)
            self.attention(x)
            return y.mean((2, 3))

    found, _ = watch(Net())
    assert found.name == 'conv'


def test_no_map():
    found, _ = watch(nn.Sequential(nn.Flatten(), nn.Linear(64 * 32 * 3, 2)))
    assert found.tensor is None


def test_hooks_are_removed_after_an_error():
    network = nn.Sequential(nn.Conv2d(3, 4, 3))
    with (
        pytest.raises(RuntimeError),
        watch_spatial_features(network, (64, 32)),
    ):
        network(torch.rand(1, 5, 64, 32))
    assert not any(module._forward_hooks for module in network.modules())
