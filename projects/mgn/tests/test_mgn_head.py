import pytest
import torch

from mmcion.models import batch_hard_triplet_loss, smoothed_cross_entropy
from mmcion.utils.checks import UserError

from ..mgn import MGNHead
from ..mgn.mgn_neck import PIECES


def make(**options):
    torch.manual_seed(0)
    return MGNHead(5, 24, **options)


def test_losses_are_means_of_eight_and_five():
    head, pids = make(), [0, 0, 3, 3, 4, 4]
    before, after = torch.randn(2, 6, 24)
    losses = head.loss(before, after, pids)
    labels = torch.tensor(pids)
    parts = after.view(6, 8, 3)
    classified = [
        smoothed_cross_entropy(
            head.classifiers[name](parts[:, number], labels),
            labels,
            0.1,
            'others',
        )
        for number, name in enumerate(PIECES)
    ]
    # b1, b2, b3, [b21, b22], [b31, b32, b33]
    columns = [(0, 3), (3, 6), (6, 9), (9, 15), (15, 24)]
    triplets = [
        batch_hard_triplet_loss(after[:, slice(*each)], labels, None)
        for each in columns
    ]
    assert set(losses) == {'loss_id', 'loss_triplet', 'accuracy'}
    torch.testing.assert_close(losses['loss_id'], sum(classified) / 8)
    torch.testing.assert_close(losses['loss_triplet'], sum(triplets) / 5)


def test_accuracy_is_without_margins():
    head = MGNHead(2, 16)
    for classifier in head.classifiers.values():
        classifier.weight.data = torch.eye(2)
    # cosines 0.74 and 0.67: the margins would make it the second one
    feats = torch.tensor([1.0, 0.9]).repeat(4, 8).requires_grad_()
    assert (
        head.classifiers['b1'](feats[:1, :2], torch.tensor([0]))[0].argmax()
        == 1
    )
    accuracy = head.loss(feats, feats, [0, 0, 0, 1])['accuracy']
    assert accuracy == 0.75 and not accuracy.requires_grad


def test_classifiers_are_apart():
    weights = [each.weight for each in make().classifiers.values()]
    assert len(weights) == 8 and weights[0].shape == (5, 3)
    assert not torch.equal(weights[0], weights[1])


def test_label_outside_the_classes():
    feats = torch.randn(2, 24)
    with pytest.raises(UserError, match=r'\[0, 5\).* 1 to 5'):
        make().loss(feats, feats, [1, 5])
