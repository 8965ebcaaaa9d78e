import pytest
import torch
from mmengine.config import Config

from mmcion.models.weights import read_model_file
from mmcion.utils.io import hash_file

from ..tiny import make_pretrainer, pretrainer_cfg
from ..tool_utils import run_tool

TOOL = 'model_converters/publish_model.py'


@pytest.fixture
def checkpoint(tmp_path):
    pretrainer = make_pretrainer(use_bn=True)
    cfg = {
        'model': pretrainer_cfg(use_bn=True),
        'custom_imports': {
            'imports': ['tests.tiny'],
            'allow_failed_imports': False,
        },
    }
    path = tmp_path / 'epoch_3.pth'
    meta = {'cfg': Config(cfg).pretty_text}
    torch.save({'state_dict': pretrainer.state_dict(), 'meta': meta}, path)
    return path


def test_options_reach_the_file(checkpoint, tmp_path):
    done = run_tool(
        TOOL,
        checkpoint,
        *('--out', 'published/best.pth', '--custom-imports'),
        *('--from', 'student', '--image-size', 384, 128),
        *('--mean', 0.5, 0.4, 0.3),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / 'published').iterdir()
    assert str(path.relative_to(tmp_path)) in done.stdout
    assert 'TinyBackbone, 9 tensors of epoch_3.pth, student' in done.stdout
    _, spec = read_model_file(path)
    assert spec.input_size == [384, 128]
    assert spec.mean == [0.5, 0.4, 0.3] and spec.std == [0.229, 0.224, 0.225]
    assert spec.source_sha256 == hash_file(checkpoint)
    assert spec.custom_imports == ['tests.tiny']


@pytest.mark.slow
@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'TinyBackbone is not registered'),
        (['--arch', 'ghostnet_9'], 'there is no architecture'),
        (['--arch', 'ghostnet_0_5'], 'of the backbone GhostNet'),
    ],
)
def test_mistakes_leave_no_file(options, message, checkpoint, tmp_path):
    done = run_tool(TOOL, checkpoint, *options, '--out', 'x.pth', cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr and 'Traceback' not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_3.pth']
