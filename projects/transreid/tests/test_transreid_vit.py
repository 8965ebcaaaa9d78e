import pytest
import timm
import torch
from torch.nn.functional import interpolate

from mmcion.models import build_backbone
from mmcion.models.weights import load_part
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError
from tests.golden import read_golden
from tests.tiny import make_pretrainer

from ..transreid import TransReIDViT, jigsaw_order

ORDERS = read_golden('transreid')['cases']['jpm_order']['outputs']
SIZE = (64, 32)  # 4 x 2 patches
ARCHS = ('plain_vit_tiny', 'vit_tiny')


def make_network(arch='plain_vit_tiny', **options):
    torch.manual_seed(0)
    return TransReIDViT(arch, SIZE, **options).eval()


def images(number=2):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(number, 3, *SIZE, generator=rng)


@pytest.mark.parametrize('name', ORDERS)
def test_parts_have_the_patches_of_published_code(name):
    num_patches, shift = (int(x) for x in name[1:].split('_shift'))
    found = jigsaw_order(num_patches, shift).tolist()
    expected = ORDERS[name]
    if 'parts' in expected:
        assert found == expected['parts']
    else:
        assert [part[:6] for part in found] == expected['first_6']
        assert [part[-3:] for part in found] == expected['last_3']
        assert {len(part) for part in found} == {expected['size']}
    left = expected['left_out']
    used = {number for part in found for number in part}
    assert used | set(left) == set(range(1, num_patches + 1))


def plain_tokens(network, x):
    """Tokens before the last block, one step after the other."""
    model = network.vit.model
    embed = model.patch_embed
    patches = embed(x) if network.has_stem else embed.proj(x)
    tokens = patches.flatten(2).transpose(1, 2)
    tokens = torch.cat((model.cls_token.repeat(len(x), 1, 1), tokens), 1)
    tokens = tokens + model.pos_embed
    for block in model.blocks[:-1]:
        tokens = block(tokens)
    return tokens


@pytest.mark.parametrize('arch', ARCHS)
def test_features_are_those_of_the_whole_and_of_each_part(arch):
    network, x = make_network(arch), images()
    with torch.no_grad():
        found = network(x).chunk(5, 1)
        tokens = plain_tokens(network, x)
        # the whole is the feature of the plain network
        torch.testing.assert_close(found[0], network.vit(x)[0][..., 0, 0])
        for part, order in zip(found[1:], jigsaw_order(8), strict=True):
            rows = tokens[:, [0, *order.tolist()]]
            local = network.local_norm(network.local_block(rows))[:, 0]
            torch.testing.assert_close(part, local)
    assert network.num_features == 5 * 192


def test_all_parameters_learn():
    network = make_network(num_cameras=2).train()
    network(images(), [0, 1]).square().sum().backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None]
    assert not idle
    # each branch has a last block of its own
    last = network.vit.model.blocks[-1].mlp.fc1.weight.grad
    assert not torch.equal(last, network.local_block.mlp.fc1.weight.grad)


@pytest.mark.parametrize(
    ('size', 'stride', 'grid'),
    [
        ((256, 128), 16, (16, 8)),
        ((256, 128), 12, (21, 10)),
        ((256, 128), 11, (22, 11)),
        ((384, 128), 16, (24, 8)),
        ((384, 128), 12, (31, 10)),
    ],
)
def test_patches_may_overlap(size, stride, grid):
    network = TransReIDViT('plain_vit_tiny', size, stride=stride)
    assert network.grid == grid
    tokens = network.vit.model.patch_embed.proj(torch.zeros(1, 3, *size))
    assert tuple(tokens.shape[-2:]) == grid
    assert network.vit.model.pos_embed.shape[1] == 1 + grid[0] * grid[1]


@pytest.mark.parametrize(
    ('stride', 'cameras', 'classes', 'published'),
    [(16, 6, 751, 102.8), (12, 15, 1041, 104.0)],
)
def test_number_of_parameters(stride, cameras, classes, published):
    with torch.device('meta'):
        network = TransReIDViT(
            'plain_vit_base', stride=stride, num_cameras=cameras
        )
    count = sum(p.numel() for p in network.parameters())
    block = sum(p.numel() for p in network.local_block.parameters())
    head = 5 * 768 * (classes + 2)  # and the neck
    # without the block that published code has, but does not use
    total = (count + head + block + 2 * 768) / 1e6
    assert total == pytest.approx(published, abs=0.06)


def test_last_blocks_may_be_skipped_in_training_alone():
    network = make_network(drop_path_rate=0.3)
    for block in (network.local_block, network.vit.model.blocks[-1]):
        assert block.drop_path1.drop_prob == pytest.approx(0.3)
    assert (
        network.vit.model.blocks[0].drop_path1.__class__ is torch.nn.Identity
    )
    assert torch.equal(network(images()), network(images()))


def test_features_depend_on_the_camera():
    network, x = make_network(num_cameras=3), images(1)
    with torch.no_grad():
        known = [network(x, [cam]) for cam in range(3)]
        assert not torch.equal(known[0], known[1])
        # nothing is known of images alone
        mean = network(x)
        assert torch.equal(mean, network(x, [-1]))
        network.test_cameras = False
        assert torch.equal(mean, network(x, [0]))
    assert network.takes_cameras and not make_network().takes_cameras


def save_plain(tmp_path, arch, kind):
    """Write weights of a plain network; return it and the file."""
    torch.manual_seed(5)
    path = tmp_path / 'plain.pth'
    if kind == 'pretraining':
        plain = build_backbone(arch)
        state = {
            **make_pretrainer().state_dict(),
            **{
                f'teacher.backbone.{k}': v
                for k, v in plain.state_dict().items()
            },
        }
        state = {k: v for k, v in state.items() if '.backbone.model' in k}
        torch.save({'state_dict': state}, path)
        return plain.model, path
    # ImageNet's size, with its classifier, as timm and DeiT publish them
    plain = timm.create_model('vit_tiny_patch16_224')
    torch.save({'model': plain.state_dict()}, path)
    return plain, path


@pytest.mark.parametrize(
    ('arch', 'kind'),
    [(arch, 'pretraining') for arch in ARCHS] + [('plain_vit_tiny', 'timm')],
)
def test_network_starts_from_a_plain_one(arch, kind, tmp_path):
    plain, path = save_plain(tmp_path, arch, kind)
    network = make_network(arch, num_cameras=2)
    table = network.side.table.clone()
    load_part(network, path)
    state, model = plain.state_dict(), network.vit.model
    for name, tensor in model.state_dict().items():
        if name != 'pos_embed':
            assert torch.equal(tensor, state[name]), name
    for new, old in (
        (network.local_block, plain.blocks[-1]),
        (network.local_norm, plain.norm),
    ):
        for name, tensor in old.state_dict().items():
            assert torch.equal(new.state_dict()[name], tensor)
    assert torch.equal(network.side.table, table)
    # (1, 1 + h w, d)
    rows = 14 if kind == 'timm' else 16
    old = state['pos_embed'][:, 1:].view(1, rows, -1, 192).permute(0, 3, 1, 2)
    new = interpolate(old, (4, 2), mode='bilinear', align_corners=False)
    found = model.pos_embed.detach()
    torch.testing.assert_close(found[:, 1:], new.flatten(2).mT)
    assert torch.equal(found[:, :1], state['pos_embed'][:, :1])


def test_own_weights_are_loaded_as_they_are(tmp_path):
    first = make_network(num_cameras=2)
    torch.nn.init.ones_(first.side.table)
    state = {f'backbone.{k}': v for k, v in first.state_dict().items()}
    torch.save({'state_dict': state}, tmp_path / 'a.pth')
    second = make_network(num_cameras=2)
    load_part(second, tmp_path / 'a.pth')
    assert torch.equal(second(images(), [0, 1]), first(images(), [0, 1]))
    with pytest.raises(UserError, match=r'side.table \(2, 192\), not \(3'):
        load_part(make_network(num_cameras=3), tmp_path / 'a.pth')


def test_other_weights_are_refused(tmp_path):
    _, path = save_plain(tmp_path, 'vit_tiny', 'pretraining')
    with pytest.raises(UserError, match=r'unexpected .*patch_embed'):
        load_part(make_network('plain_vit_tiny'), path)


@pytest.mark.parametrize(
    ('options', 'value'),
    [
        ({'arch': 'resnet50'}, "'resnet50'"),
        ({'arch': 'vit_tiny', 'stride': 12}, 'got 12'),
        ({'arch': 'vit_tiny', 'stride': 0}, 'got 0'),
        ({'arch': 'vit_tiny', 'img_size': (16, 32)}, '2 patches'),
    ],
)
def test_arguments_are_checked(options, value):
    with pytest.raises(UserError, match=value):
        MODELS.build({'type': 'mmcion.TransReIDViT', **options})


def test_images_must_have_the_size():
    with pytest.raises(UserError, match=r'\(32, 32\)'):
        make_network()(torch.zeros(1, 3, 32, 32))
