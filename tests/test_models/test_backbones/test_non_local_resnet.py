import pytest
import torch

from mmcion.models import NonLocalResNet, ResNet, ResNetIBN
from mmcion.models.weights import load_part
from mmcion.utils.checks import UserError

IMAGES = torch.randn(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))


def make(kind='ResNet', **options):
    options = {'non_local': (0, 1, 2, 0), **options}
    trunk = {'type': kind, 'depth': 18}
    return NonLocalResNet(trunk, **options).eval()


def save(path, network, prefix='backbone.'):
    state = {prefix + k: v for k, v in network.state_dict().items()}
    torch.save({'state_dict': state}, path)
    return path


@pytest.mark.parametrize('kind', [ResNet, ResNetIBN])
def test_starts_as_the_network_of_its_weights(kind, tmp_path):
    plain = kind(18).eval()
    network = make(kind.__name__)
    path = save(tmp_path / 'a.pth', plain, 'teacher.backbone.')
    load_part(network, path)
    (expected,) = plain(IMAGES)
    assert torch.equal(network(IMAGES), expected)
    assert network.num_features == 512


def test_blocks_stand_behind_the_last_blocks_of_a_stage():
    names = set(make().non_local)
    assert names == {'layer2_1', 'layer3_0', 'layer3_1'}
    deep = NonLocalResNet({'type': 'ResNet', 'depth': 50}, (0, 2, 3, 0))
    assert set(deep.non_local) == {
        *('layer2_2', 'layer2_3', 'layer3_3', 'layer3_4', 'layer3_5')
    }
    assert deep.non_local['layer2_3'].theta.out_channels == 256
    narrow = make(inner_channels=1)
    assert narrow.non_local['layer3_1'].W[0].in_channels == 1


def test_trained_blocks_are_loaded_and_used(tmp_path):
    trained, network = make(), make()
    for block in trained.non_local.values():
        torch.nn.init.ones_(block.W[1].weight)
    load_part(network, save(tmp_path / 'a.pth', trained))
    assert torch.equal(network(IMAGES), trained(IMAGES))
    assert not torch.equal(network(IMAGES), make()(IMAGES))
    # another number of blocks is another network
    with pytest.raises(UserError, match=r'non_local\.layer2_1'):
        load_part(make(non_local=(0, 0, 2, 0)), tmp_path / 'a.pth')


def test_other_depth_is_refused(tmp_path):
    path = save(tmp_path / 'a.pth', ResNet(34))
    with pytest.raises(UserError, match=r'trunk\.layer1\.2'):
        load_part(make(), path)


def test_stem_without_relu_is_another_network():
    with_relu = make()
    without = make(stem_relu=False)
    without.load_state_dict(with_relu.state_dict())
    assert not torch.equal(without(IMAGES), with_relu(IMAGES))
