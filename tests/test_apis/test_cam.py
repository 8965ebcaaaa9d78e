import numpy as np
import pytest
import torch
from torch import nn

from mmcion.apis.cam import activation_maps, watch_feature_map
from mmcion.apis.features import FeatureExtractor
from mmcion.apis.zoo import get_model
from mmcion.models import build_backbone, list_architectures
from mmcion.utils.checks import UserError

from ..tiny import write_image

# a CNN, one that pools by itself, a ViT, a Swin and a VOLO
SMALL = [
    'resnet18_ibn',
    'edgenext_x_small',
    'vit_tiny',
    'swin_tiny',
    'volo_d1',
]


class HalfNet(nn.Module):
    """Features of one half of the image: what lies elsewhere is ignored."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return x[:, :, self.rows].mean((2, 3))


def tensor(seed=0, size=(64, 32), count=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, *size, generator=rng)


def extractor(network, size=(64, 32)):
    return FeatureExtractor(network, image_size=size)


@pytest.mark.parametrize('half', ['top', 'bottom'])
def test_map_lies_where_the_feature_is_made(half):
    rows = slice(0, 16) if half == 'top' else slice(16, 32)
    heat = activation_maps(extractor(HalfNet(rows)), tensor()).maps[0]
    # two pixels per place; neighbours blend into each other
    if half == 'top':
        here, there = heat[:33], heat[33:]
    else:
        here, there = heat[31:], heat[:31]
    assert here.max() == 1
    assert there.max() == 0


def test_map_of_a_mean_is_each_cells_part():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 4, 4))
    model = extractor(network, (16, 8))
    query, other = tensor(1, (16, 8)), tensor(2, (16, 8))
    found = activation_maps(model, query, reference=other)
    places = []
    for image in (query, other):
        pixels = image.mul(255).round().to(torch.uint8)
        inputs = model.model.data_preprocessor({'inputs': pixels})['inputs']
        with torch.no_grad():
            places.append(network(inputs)[0])
    feat, direction = (each.mean((1, 2)) for each in places)
    direction = direction / direction.norm()
    share = (places[0] * direction[:, None, None]).sum(0).clamp_min(0)
    share = nn.functional.interpolate(
        share[None, None], (16, 8), mode='bilinear'
    )[0, 0]
    expected = (share - share.min()) / (share.max() - share.min())
    assert found.maps[0] == pytest.approx(expected.numpy(), abs=1e-5)
    cosine = feat @ direction / feat.norm()
    assert found.similarity == pytest.approx([float(cosine)], abs=1e-5)


def test_map_with_a_reference_differs_from_the_own():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 8, 8), nn.ReLU())
    model = extractor(network)
    own = activation_maps(model, tensor(1))
    alike = activation_maps(model, tensor(1), reference=tensor(2))
    assert own.similarity == pytest.approx([1], abs=1e-5)
    assert alike.similarity[0] < 1
    assert not np.allclose(own.maps, alike.maps)
    assert np.array_equal(own.images, alike.images)
    assert own.reference is None
    assert alike.reference.shape == (1, 64, 32, 3)


@pytest.mark.parametrize(
    'arch',
    [
        *SMALL,
        *(
            pytest.param(arch, marks=pytest.mark.slow)
            for arch in list_architectures()
            if arch not in SMALL
        ),
    ],
)
def test_models_of_the_zoo(arch):
    torch.manual_seed(1)
    model = FeatureExtractor(get_model(arch), 'cpu', image_size=(96, 64))
    found = activation_maps(model, tensor(count=2))
    assert found.maps.shape == (2, 96, 64)
    assert found.maps.dtype == np.float32
    assert np.isfinite(found.maps).all()
    assert found.images.shape == (2, 96, 64, 3)
    assert found.similarity == pytest.approx([1, 1], abs=1e-4)
    for heat in found.maps:
        assert heat.min() == 0
        assert heat.max() in (0, 1)  # 0: no place of it adds anything
        rows, columns = heat.std(axis=0).max(), heat.std(axis=1).max()
        assert heat.max() == 0 or min(rows, columns) > 0.01
    again = activation_maps(model, tensor(count=2))
    assert np.array_equal(found.maps, again.maps)


@pytest.mark.parametrize('arch', ['resnet18', 'vit_tiny'])
@pytest.mark.parametrize('training', [True, False])
def test_model_is_left_as_it_was(arch, training):
    model = get_model(arch).train(training)
    model.backbone.eval()
    first = next(model.parameters())
    first.grad = torch.ones_like(first)
    second = list(model.parameters())[1].requires_grad_(False)
    before = {
        name: value.clone() for name, value in model.state_dict().items()
    }
    modes = [module.training for module in model.modules()]
    activation_maps(model, tensor(size=(64, 32)))
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks for module in model.modules())
    assert (first.grad == 1).all()
    assert second.grad is None
    assert not second.requires_grad
    others = [p for p in model.parameters() if p is not first]
    assert all(p.grad is None for p in others)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_mirrored_images_are_left_out():
    model = get_model('resnet18')
    plain = activation_maps(model, tensor()).maps
    model.flip_test = True
    assert np.array_equal(activation_maps(model, tensor()).maps, plain)
    assert model.flip_test


def test_frozen_models_and_switched_off_gradients():
    network = HalfNet(slice(0, 16)).requires_grad_(False)
    model = extractor(network)
    free = activation_maps(model, tensor()).maps
    with torch.no_grad():
        assert np.array_equal(activation_maps(model, tensor()).maps, free)
    with torch.inference_mode():
        assert np.array_equal(activation_maps(model, tensor()).maps, free)
    assert free.max() == 1


def test_batches_do_not_mix():
    model = extractor(HalfNet(slice(0, 16)))
    images = tensor(count=19)
    together = activation_maps(model, images, reference=images.flip(0))
    for row in (0, 15, 16, 18):
        alone = activation_maps(model, images[row], reference=images[18 - row])
        assert alone.maps[0] == pytest.approx(together.maps[row], abs=1e-4)
        assert alone.similarity[0] == pytest.approx(together.similarity[row])


def test_files_are_shown_as_the_model_sees_them(tmp_path):
    write_image(tmp_path / 'a.png', size=(90, 40))
    found = activation_maps(
        extractor(HalfNet(slice(0, 16))), tmp_path / 'a.png'
    )
    assert found.images.shape == (1, 64, 32, 3)


@pytest.mark.parametrize(
    ('network', 'message'),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(48, 4)), 'no feature map'),
        (nn.Sequential(nn.Conv2d(3, 4, 4), nn.Flatten()), 'larger images'),
    ],
)
def test_networks_without_a_map_are_refused(network, message):
    with pytest.raises(UserError, match=message):
        activation_maps(extractor(network, (4, 4)), tensor(size=(4, 4)))


def test_detached_features_are_refused():
    class Detached(HalfNet):
        def forward(self, x):
            return super().forward(x).detach()

    with pytest.raises(UserError, match=r'norm in Detached: .* detach'):
        activation_maps(extractor(Detached(slice(0, 16))), tensor())


def test_mistakes():
    model = extractor(HalfNet(slice(0, 16)))
    with pytest.raises(UserError, match='references .* 1, 3; got 2'):
        activation_maps(model, tensor(count=3), reference=tensor(count=2))
    with pytest.raises(UserError, match='no image'):
        activation_maps(model, [])


def watch(network, size=(64, 32)):
    with (
        watch_feature_map(network, size) as found,
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
            watch_feature_map(network.eval(), (64, 32)) as watched,
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
        watch_feature_map(network, (64, 32)),
    ):
        network(torch.rand(1, 5, 64, 32))
    assert not any(module._forward_hooks for module in network.modules())
