import pytest
import torch

from mmcion.models import build_backbone
from mmcion.models.converters.coverage import cover_backbone, matches

ARCH = 'ghostnet_0_5'


@pytest.fixture
def weights():
    return build_backbone(ARCH).state_dict()


def test_whole_weights(weights):
    state, report = cover_backbone(weights, ARCH)
    assert report.share == 1
    assert str(report) == (
        '100.0% of the ghostnet_0_5 backbone was found: 510 tensors'
    )
    for name, tensor in weights.items():
        assert torch.equal(state[name], tensor)


def test_counter_of_old_checkpoints_is_made_up_for(weights):
    old = {k: v for k, v in weights.items() if 'num_batches' not in k}
    state, report = cover_backbone(old, ARCH)
    assert report.share == 1 and state.keys() == weights.keys()
    assert matches(old, ARCH)


def test_what_lacks_is_drawn_on_demand_only(weights):
    del weights['model.bn1.weight']
    weights['model.conv_head.weight'] = torch.ones(1280, 960, 1, 1)
    with pytest.raises(ValueError) as error:
        cover_backbone(weights, ARCH)
    assert (
        '99.6% of the ghostnet_0_5 backbone was found: 508 tensors; 1 are '
        'missing (model.bn1.weight); 1 have another shape '
        '(model.conv_head.weight (1280, 960, 1, 1) not (1280, 480, 1, 1)).'
    ) in str(error.value)
    assert '--allow-partial' in str(error.value)

    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    state, report = cover_backbone(weights, ARCH, allow_partial=True)
    again, _ = cover_backbone(weights, ARCH, allow_partial=True)

    assert torch.equal(torch.rand(3), expected)
    assert report.missing == ['model.bn1.weight']
    name = 'model.conv_stem.weight'
    assert torch.equal(state[name], weights[name])
    build_backbone(ARCH).load_state_dict(state)
    for name, tensor in state.items():
        assert torch.equal(again[name], tensor)


def test_other_structures_are_refused_always(weights):
    weights['model.extra.weight'] = torch.ones(2)
    with pytest.raises(ValueError, match=r'extra.weight\)\. The .* another s'):
        cover_backbone(weights, ARCH, allow_partial=True)
    with pytest.raises(ValueError, match=r'0\.0%|another structure'):
        cover_backbone({}, ARCH, allow_partial=True)


def test_position_table_of_another_size_is_named():
    with torch.device('meta'):
        state = build_backbone('volo_d1').state_dict()
        state['model.pos_embed'] = torch.zeros(1, 14, 14, 384)
    with pytest.raises(ValueError, match=r'table is made for images of anot'):
        cover_backbone(state, 'volo_d1')


def test_match_is_exact(weights):
    assert matches(weights, ARCH)
    assert not matches(weights, 'ghostnet_1_0')
    assert not matches(weights, 'resnet18')
    del weights['model.bn1.weight']
    assert not matches(weights, ARCH)
