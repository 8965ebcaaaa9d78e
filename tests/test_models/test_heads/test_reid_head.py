import pytest
import torch

from mmcion.models import ReIDHead, batch_hard_triplet_loss
from mmcion.utils.checks import UserError


def make_head(**options):
    torch.manual_seed(0)
    return ReIDHead(5, 4, **options)


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_loss_of_classes_is_smoothed_cross_entropy(smoothing):
    head = make_head(label_smoothing=smoothing)
    before, after = torch.randn(2, 6, 4)
    pids = [0, 4, 1, 1, 2, 3]
    losses = head.loss(before, after, pids)
    assert set(losses) == {'loss_id'}
    target = torch.full((6, 5), smoothing / 5)
    target[range(6), pids] += 1 - smoothing
    log_probability = (after @ head.classifier.weight.T).log_softmax(1)
    expected = -(target * log_probability).sum(1).mean()
    torch.testing.assert_close(losses['loss_id'], expected)


def test_triplets_are_of_the_feature_before():
    head = make_head(triplet={'type': 'TripletLoss', 'margin': 0.5})
    before, after = torch.randn(2, 4, 4)
    losses = head.loss(before, after, [3, 3, 2, 2])
    expected = batch_hard_triplet_loss(before, torch.tensor([3, 3, 2, 2]), 0.5)
    assert torch.equal(losses['loss_triplet'], expected)
    assert expected > 0


def test_classifier_starts_small_and_without_bias():
    head = ReIDHead(200, 100)
    assert head.classifier.bias is None
    assert head.classifier.weight.std().item() == pytest.approx(1e-3, rel=0.1)


@pytest.mark.parametrize('pids', [[0, 7], [-1, 7], [5, 7]])
def test_label_outside_the_classes_is_told(pids):
    feats = torch.randn(2, 4)
    with pytest.raises(UserError, match=rf'\[0, 5\).* {pids[0]} to 7'):
        make_head().loss(feats, feats, pids)


@pytest.mark.parametrize(
    ('name', 'value'), [('num_classes', 0), ('label_smoothing', 1.5)]
)
def test_options_out_of_range(name, value):
    with pytest.raises(UserError, match=f'{name}.* {value}'):
        ReIDHead(**{'num_classes': 5, 'in_channels': 4, name: value})
