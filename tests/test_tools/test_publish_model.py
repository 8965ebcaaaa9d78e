import re
from datetime import date

import pytest
import torch

from mmcion.apis.model_zoo import load_model
from mmcion.models import build_backbone
from mmcion.models.utils import read_model_file
from mmcion.utils.io import hash_file

from ..tool_utils import run_tool

TOOL = 'model_converters/publish_model.py'
ARCH = 'ghostnet_0_5'


@pytest.fixture(scope='module')
def networks():
    """State dicts of a teacher and a student."""
    torch.manual_seed(0)
    names = ('teacher', 'student')
    return {name: build_backbone(ARCH).state_dict() for name in names}


@pytest.fixture
def checkpoint(networks, tmp_path):
    state = {
        f'{who}.backbone.{name}': tensor
        for who, tensors in networks.items()
        for name, tensor in tensors.items()
    }
    state['student.projector.weight'] = torch.ones(500, 500)
    path = tmp_path / 'epoch_3.pth'
    optimizer = {'state': {0: torch.ones(500, 500)}}
    torch.save({'state_dict': state, 'optimizer': optimizer}, path)
    return path


@pytest.mark.parametrize('which', ['teacher', 'student'])
def test_one_backbone_and_its_meta_remain(
    which, checkpoint, networks, tmp_path
):
    done = run_tool(
        TOOL,
        checkpoint,
        *('--arch', 'GhostNet-0.5x', '--from', which),
        *('--out', 'published/best.pth', '--image-size', 384, 128),
        *('--mean', 0.5, 0.4, 0.3),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / 'published').iterdir()
    assert str(path.relative_to(tmp_path)) in done.stdout
    named = re.fullmatch(r'best_20\d{6}-([0-9a-f]{8})\.pth', path.name)
    assert hash_file(path).startswith(named[1])
    assert path.stat().st_size < 1.2 * 4 * 1.306e6 + 5e5
    content = read_model_file(path)
    assert set(content) == {'state_dict', 'meta'}
    meta = content['meta']
    assert meta['arch'] == ARCH
    assert meta['input_size'] == [384, 128]
    assert meta['mean'] == [0.5, 0.4, 0.3]
    assert meta['std'] == [0.229, 0.224, 0.225]
    assert meta['source'] == f'epoch_3.pth, {which}'
    assert meta['source_sha256'] == hash_file(checkpoint)
    found = load_model(path).backbone.state_dict()
    assert found.keys() == networks[which].keys()
    for name, tensor in networks[which].items():
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize(
    ('arch', 'out', 'message'),
    [
        ('ghostnet_1_0', 'x.pth', 'epoch_3.pth: of 510 tensors under'),
        ('ghostnet_9', 'x.pth', 'there is no architecture'),
        (ARCH, 'x.onnx', '--out must end in .pth'),
    ],
)
@pytest.mark.slow
def test_mistakes_leave_no_file(arch, out, message, checkpoint, tmp_path):
    done = run_tool(
        TOOL, checkpoint, '--arch', arch, '--out', out, cwd=tmp_path
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_3.pth']


@pytest.mark.parametrize(
    ('there', 'options', 'source'),
    [
        ('student.backbone.', (), 'epoch_3.pth, student'),
        ('backbone.', (), 'epoch_3.pth'),
        ('backbone.', ('--from', 'student'), 'epoch_3.pth'),
        ('teacher.backbone.', ('--from', 'student'), None),
    ],
)
@pytest.mark.slow
def test_role_is_what_the_checkpoint_has(
    there, options, source, networks, tmp_path
):
    state = {there + k: v for k, v in networks['student'].items()}
    torch.save({'state_dict': state}, tmp_path / 'epoch_3.pth')
    done = run_tool(
        TOOL,
        *('epoch_3.pth', '--arch', ARCH, '--out', 'new/x.pth', *options),
        cwd=tmp_path,
    )
    if source is None:
        assert done.returncode == 1
        assert 'epoch_3.pth: it has no student, but a teacher' in done.stderr
        assert not (tmp_path / 'new').exists()
    else:
        assert done.returncode == 0, done.stderr
        (path,) = (tmp_path / 'new').iterdir()
        assert read_model_file(path)['meta']['source'] == source


@pytest.mark.slow
def test_checkpoint_at_the_place_of_the_output_stays(checkpoint, tmp_path):
    dated = tmp_path / f'x_{date.today():%Y%m%d}.pth'
    checkpoint.rename(dated)
    before = dated.read_bytes()
    done = run_tool(
        TOOL, dated, '--arch', ARCH, '--out', 'x.pth', cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert dated.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2
