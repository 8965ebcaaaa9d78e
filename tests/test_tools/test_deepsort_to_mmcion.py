import pytest
import torch
from mmengine.registry import init_default_scope

from mmcion.models.weights import load_part
from mmcion.registry import MODELS

from ..tool_utils import run_tool

TOOL = 'model_converters/deepsort_to_mmcion.py'


def make_backbone():
    init_default_scope('mmcion')
    return MODELS.build(
        {'type': 'mmpretrain.TIMMBackbone', 'model_name': 'mobilenetv2_100'}
    )


def test_layers_are_renamed_in_order(tmp_path):
    torch.manual_seed(0)
    source = make_backbone().state_dict()
    torch.save(
        {f'features.{n}': t for n, t in enumerate(source.values())},
        tmp_path / 'source.pt',
    )

    done = run_tool(TOOL, 'out.pth', '--source', 'source.pt', cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    backbone = make_backbone()
    assert load_part(backbone, tmp_path / 'out.pth').fits
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, source[name])


@pytest.mark.slow
def test_other_weights_are_refused(tmp_path):
    torch.save({'w': torch.ones(2, 2)}, tmp_path / 'source.pt')
    done = run_tool(TOOL, 'out.pth', '--source', 'source.pt', cwd=tmp_path)
    assert done.returncode == 1
    assert 'source.pt is not a MobileNetV2' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'out.pth').exists()


@pytest.mark.slow
def test_source_is_not_written_over(tmp_path):
    weights = make_backbone().state_dict()
    torch.save(weights, tmp_path / 'source.pt')
    before = (tmp_path / 'source.pt').read_bytes()
    done = run_tool(TOOL, './source.pt', '--source', 'source.pt', cwd=tmp_path)
    assert done.returncode == 1
    assert 'source.pt is the file that is read' in done.stderr
    assert (tmp_path / 'source.pt').read_bytes() == before
