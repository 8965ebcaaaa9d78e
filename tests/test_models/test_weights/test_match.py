import pytest
import torch
from torch import nn

from mmcion.models import build_backbone
from mmcion.models.weights import load_weights, match
from mmcion.utils.checks import UserError


def make_network():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def weights(value=3.0):
    """Return weights of the network, all of one value."""
    state = make_network().state_dict()
    return {name: torch.full_like(t, value) for name, t in state.items()}


def values(network):
    return {t.float().mean().item() for t in network.state_dict().values()}


def test_whole_weights():
    network = make_network()
    report = match(network, weights(), name='tiny')
    assert report.fits and report.coverage == report.agreement == 1
    assert str(report) == '100.0% of tiny: 7 tensors found'
    load_weights(network, weights())
    assert values(network) == {3}


def test_shapes_stand_for_a_network():
    shapes = {k: t.shape for k, t in make_network().state_dict().items()}
    assert match(shapes, weights(), name='tiny').fits


def test_network_without_tensors():
    assert match(nn.ReLU(), {}, name='x').coverage == 1


def test_report_names_all_that_differs_and_nothing_is_loaded():
    state = weights()
    del state['1.bias'], state['1.running_mean']
    state['0.weight'] = torch.ones(4, 5, 1, 1)
    state['2.weight'] = torch.ones(4)
    network = make_network()
    before = {k: v.clone() for k, v in network.state_dict().items()}

    report = match(network, state, name='tiny', hint='Ask somebody.')
    with pytest.raises(UserError, match=r'57\.1% of the model Sequential: 4'):
        load_weights(network, state)

    assert report.missing == ['1.bias', '1.running_mean']
    assert report.unexpected == ['2.weight']
    assert report.coverage == pytest.approx(4 / 7)
    assert report.agreement == pytest.approx(4 / 8)
    for words in (
        '57.1% of tiny: 4 tensors found, 2 missing (1.bias, 1.running_mean)',
        '1 of another shape (0.weight (4, 5, 1, 1), not (4, 3, 1, 1))',
        '1 unexpected (2.weight)',
        'has 6 tensors such as 0.weight, 0.bias, 1.weight and 3 more',
        'Ask somebody.',
    ):
        assert words in str(report)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_checkpoint_without_tensors():
    report = match(make_network(), {}, name='tiny')
    text = str(report)
    assert '6 missing (0.weight,' in text and 'has 0 tensors.' in text
    assert 'another shape' not in text and 'such as' not in text


def test_counter_of_old_checkpoints_may_be_missing():
    state = weights()
    del state['1.num_batches_tracked']
    network = make_network()
    network[1].num_batches_tracked.fill_(9)
    report = match(network, state, name='tiny')
    assert report.fits and report.coverage == 1
    assert report.take(state)['1.num_batches_tracked'] == 0
    load_weights(network, state)
    assert network[1].num_batches_tracked == 0


@pytest.mark.parametrize('name', ['fc', 'head', 'classifier', 'model.fc'])
def test_classifiers_are_ignored(name):
    state = {**weights(), f'{name}.weight': torch.ones(2, 4)}
    assert match(make_network(), state, name='tiny').fits


@pytest.mark.parametrize('name', ['layer1.0.se.fc.0', 'neck.head.0'])
def test_other_modules_of_such_names_are_not(name):
    state = {**weights(), f'{name}.weight': torch.ones(2, 4)}
    assert match(make_network(), state, name='tiny').unexpected == [
        f'{name}.weight'
    ]


def test_larger_member_of_a_family_is_refused():
    # all of the smaller one's tensors are there, and 12 blocks more
    with torch.device('meta'):
        larger = build_backbone('convnext_small').state_dict()
        smaller = build_backbone('convnext_tiny')
    report = match(smaller, larger, name='convnext_tiny')
    assert report.coverage == 1 and not report.fits
    assert '162 unexpected' in str(report)


def test_position_table_of_another_size_is_named():
    with torch.device('meta'):
        volo = build_backbone('volo_d1')
        state = volo.state_dict()
        state['model.pos_embed'] = torch.zeros(1, 14, 14, 384)
    report = match(volo, state, name='volo_d1')
    assert 'images of another size: model.pos_embed (1, 14, 14' in str(report)
