import pytest
import torch

from mmcion.apis.zoo import get_model
from mmcion.models import build_backbone
from mmcion.models.weights import SOURCES

from ..tool_utils import ROOT, run_tool

TOOL = 'model_converters/convert_weights.py'


def test_moco_weights_become_a_model_file(tmp_path):
    backbone = build_backbone('resnet18')
    state = {
        f'module.encoder_q.{name}': tensor
        for name, tensor in backbone.state_dict().items()
    }
    state['module.encoder_q.fc.0.weight'] = torch.ones(2, 512)
    torch.save({'state_dict': state}, tmp_path / 'lup.pth')

    done = run_tool(
        TOOL,
        *('lup.pth', '--from', 'lup', '--out', 'model.pth'),
        *('--std', '0.5', '0.5', '0.5', '--image-size', '384', '128'),
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert '100.0% of resnet18: 120 tensors found' in first
    assert second.startswith('note: ') and 'last stride' in second
    model = get_model(tmp_path / 'model.pth')
    assert model.spec.mean == [0.3525, 0.3106, 0.3140]
    assert model.spec.std == [0.5, 0.5, 0.5]
    assert model.spec.input_size == [384, 128]
    assert torch.equal(model.backbone.conv1.weight, backbone.conv1.weight)


@pytest.mark.parametrize(
    ('source', 'reason'),
    [('pass', 'part tokens'), ('x', "got 'x'")],
)
@pytest.mark.slow
def test_sources_that_are_not_converted(tmp_path, source, reason):
    arguments = ('a.pth', '--from', source, '--out', 'b.pth')
    done = run_tool(TOOL, *arguments, cwd=tmp_path)
    assert done.returncode == 1 and reason in done.stderr


def test_help_names_all_sources():
    text = (ROOT / 'tools' / TOOL).read_text()
    assert all(name in text for name in SOURCES)
