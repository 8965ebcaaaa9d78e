from types import SimpleNamespace

import pytest
import torch
from mmengine import MessageHub
from torch.nn.functional import cross_entropy, normalize

from mmcion.models import PNLHead
from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

CASE = read_golden('pretraining')['pnl_step']


@pytest.fixture
def at_epoch(monkeypatch):
    def set_epoch(epoch):
        hub = SimpleNamespace(get_info=lambda name, default: epoch)
        monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)

    return set_epoch


def golden_head():
    """The head of the golden step, its inputs, and what comes out."""
    x, params = golden_inputs(CASE), CASE['params']
    queries = normalize(x['prototypes'][params['near']] + x['q_noise'])
    hot = torch.eye(5, dtype=torch.float64)[params['near']]
    logits = x['class_noise']
    logits = logits + torch.tensor(params['sure']).double()[:, None] * hot
    head = PNLHead(5, in_channels=7, feat_channels=3).double()
    head.prototypes = x['prototypes'].clone()
    head.prototypes[4] = 0
    head.classifier = torch.nn.Identity()
    head.embed = torch.nn.Identity()
    # the ReLU is before the classifier
    shift = logits.min()
    return head, logits - shift, queries, torch.tensor(params['labels'])


def test_golden_step(at_epoch):
    at_epoch(11)
    head, feats, queries, labels = golden_head()
    losses, corrected = head.loss(feats, queries, labels)
    expected = CASE['outputs']
    assert corrected.tolist() == expected['labels_after']
    found = losses['loss_class'].item(), losses['loss_prototype'].item()
    wanted = expected['class_loss'], expected['prototype_loss']
    assert found == pytest.approx(wanted, rel=1e-9)
    after = torch.tensor(expected['prototypes_after']).double()
    torch.testing.assert_close(head.prototypes, after)


def test_parts_begin_at_their_epochs(at_epoch):
    labels = torch.tensor(CASE['params']['labels'])
    for epoch, parts in ((0, 1), (1, 2), (10, 2), (11, 2)):
        at_epoch(epoch)
        head, feats, queries, _ = golden_head()
        losses, corrected = head.loss(feats, queries, labels)
        assert len(losses) == parts
        assert torch.equal(corrected, labels) == (epoch < 11)
        if epoch < 11:
            plain = cross_entropy(feats, labels)
            torch.testing.assert_close(losses['loss_class'], plain)
        # prototypes move from the start
        assert head.prototypes[1].any()


def test_initial_weights_and_gradients(at_epoch):
    at_epoch(1)
    torch.manual_seed(0)
    head = PNLHead(50, in_channels=30, feat_channels=4)
    assert float(head.classifier.weight.detach().std()) == pytest.approx(
        1e-3, rel=0.05
    )
    assert not head.prototypes.any()
    feats = torch.randn(3, 30, requires_grad=True)
    queries = normalize(torch.randn(3, 4)).requires_grad_()
    head.loss(feats, queries, torch.tensor([1, 2, 2]))
    losses, _ = head.loss(feats, queries, torch.tensor([1, 2, 2]))
    sum(losses.values()).backward()
    assert feats.grad.any() and queries.grad.any()


def test_options_are_checked():
    with pytest.raises(UserError, match=r'threshold .* got 1\.5'):
        PNLHead(3, 4, threshold=1.5)
