import pytest
import torch

from mmcion.utils.checks import UserError
from tests.golden import golden_tensor, read_golden

from ..transreid import JPMHead, JPMNeck

CASE = read_golden('transreid')['cases']['jpm_head']
SOFT = {'type': 'TripletLoss', 'margin': None}


def golden(name):
    spec = CASE['inputs'][name]
    return golden_tensor(spec['key'], spec['shape'], spec['scale'])


def features():
    """Features of 6 images, the whole and 4 parts: ``(N, 5 d)``."""
    return golden('features').transpose(0, 1).flatten(1)


def test_losses_equal_published_code():
    pids, outputs = CASE['params']['pids'], CASE['outputs']
    head = JPMHead(4, 15, triplet=SOFT).double()
    neck = JPMNeck(15).double()
    before, _ = neck(features())
    losses = head.loss(before, before, pids)
    assert losses['loss_triplet'].item() == pytest.approx(
        outputs['soft_triplet'], rel=1e-12
    )
    # logits of the golden numbers in place of a feature and a classifier
    head = JPMHead(4, 20).double()
    for each in head.heads:
        torch.nn.init.eye_(each.classifier.weight)
    logits = golden('logits').transpose(0, 1).flatten(1)
    logits[:, 4:] /= 4  # as the neck does
    losses = head.loss(logits, logits, pids)
    assert losses.keys() == {'loss_id'}
    assert losses['loss_id'].item() == pytest.approx(
        outputs['cross_entropy'], rel=1e-12
    )


def test_feature_of_a_test_has_quarters_of_the_parts():
    before, after = JPMNeck(15).double().eval()(features())
    expected = torch.tensor(
        CASE['outputs']['test_feature_of_row_0'], dtype=torch.float64
    )
    torch.testing.assert_close(before[0], expected, rtol=1e-12, atol=0)
    # untrained statistics: variance 1
    torch.testing.assert_close(after, before / (1 + 1e-5) ** 0.5)


def test_neck_is_a_bnneck_for_each():
    feats = features()
    neck = JPMNeck(15).double()
    _, after = neck(feats)
    for number, piece in enumerate(feats.chunk(5, 1)):
        single = torch.nn.BatchNorm1d(3).double()(piece)
        found = after[:, 3 * number : 3 * number + 3]
        torch.testing.assert_close(found * (4 if number else 1), single)
    assert not neck.bn.bias.requires_grad


def test_every_feature_has_a_classifier():
    head = JPMHead(7, 15)
    shapes = [tuple(each.classifier.weight.shape) for each in head.heads]
    assert shapes == [(7, 3)] * 5
    with pytest.raises(UserError, match=r'\[0, 7\)'):
        head.loss(torch.zeros(2, 15), torch.zeros(2, 15), [0, 7])
