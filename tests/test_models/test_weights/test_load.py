import pytest
import torch

from mmcion.models import BNNeck
from mmcion.models.utils import load_neck, use_checkpoint


def save(path, **parts):
    """Write modules as ``tools/train.py`` does."""
    state = {
        f'{name}.{key}': value
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    torch.save({'state_dict': state, 'meta': {}}, path)
    return path


def test_config_takes_backbone_and_neck():
    with_neck, plain = {'neck': {'type': 'BNNeck'}}, {'backbone': {}}
    use_checkpoint(with_neck, 'a.pth')
    use_checkpoint(plain, 'a.pth')
    assert with_neck['backbone_checkpoint'] == 'a.pth'
    assert with_neck['neck_checkpoint'] == 'a.pth'
    assert plain == {'backbone': {}, 'backbone_checkpoint': 'a.pth'}


def test_neck_is_loaded_whole(tmp_path):
    torch.manual_seed(0)
    trained, neck = BNNeck(4, 3), BNNeck(4, 3)
    trained(torch.randn(5, 4))
    head = torch.nn.Linear(3, 9)
    load_neck(neck, save(tmp_path / 'a.pth', neck=trained, head=head))
    found, expected = neck.state_dict(), trained.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_checkpoint_without_neck_is_refused(tmp_path):
    path = save(tmp_path / 'a.pth', backbone=torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r'has no neck.*zero-shot_\*\.py'):
        load_neck(BNNeck(4), path)


@pytest.mark.parametrize('content', [[1], {'state_dict': 3}])
def test_file_of_another_kind_has_no_neck(tmp_path, content):
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='has no neck'):
        load_neck(BNNeck(4), tmp_path / 'a.pth')


@pytest.mark.parametrize(
    ('trained', 'config', 'difference'),
    [
        (BNNeck(4), BNNeck(6), r'neck.bn.bias is \(4,\).* and \(6,\) in'),
        (BNNeck(4, 3), BNNeck(3), r'embedding.weight is \(3, 4\).* absent in'),
        (BNNeck(4), BNNeck(4, 4), r'embedding.weight is absent.* \(4, 4\) in'),
    ],
)
def test_another_neck_is_refused(tmp_path, trained, config, difference):
    path = save(tmp_path / 'a.pth', neck=trained)
    with pytest.raises(ValueError, match=difference):
        load_neck(config, path)
