import pytest
import torch

from mmcion.models import PermutationHead, sinkhorn
from mmcion.utils.checks import UserError

ORDERS = torch.tensor([[2, 4, 1, 3, 0, 5], [5, 0, 3, 1, 2, 4]])


def test_loss_and_accuracy_of_known_matrices():
    head = PermutationHead(8)
    feats = torch.zeros(2, 8)
    torch.nn.init.zeros_(head.layers[0].bias)
    losses = head.loss(feats, ORDERS)
    # every entry is 1/6: (5/6)^2 in 6 entries, (1/6)^2 in 30
    assert losses['loss_permutation'].item() == pytest.approx(5 / 36)
    truth = torch.eye(6)[ORDERS[0]]
    with torch.no_grad():
        head.layers[0].bias.copy_(4 * truth.flatten())
    losses = head.loss(feats, ORDERS)
    # one image of two is right; of the other, one place of six
    assert losses['order_accuracy'].item() == pytest.approx(6 / 12)
    assert losses['loss_permutation'] > 0.1
    assert head.loss(feats[:1], ORDERS[:1])['loss_permutation'] < 1e-2
    head.loss_weight = 36.0
    assert head.loss(feats, ORDERS)['loss_permutation'] > 36 * 0.1


def test_bound_and_temperature_act_on_the_logits():
    feats = 1e4 * torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    head = PermutationHead(8, max_logit=2.0, temperature=0.8).double()
    matrices = head(feats.double())
    assert (matrices.sum(2) - 1).abs().max() < 1e-2
    head = PermutationHead(8, max_logit=None, temperature=0.8)
    logits = head.layers(feats).view(3, 6, 6)
    torch.testing.assert_close(head(feats), sinkhorn(logits / 0.8))


def test_hidden_layer():
    head = PermutationHead(8, num_stripes=4, hidden_channels=5)
    assert [p.shape for p in head.layers.parameters()] == [
        *((5, 8), (5,)),
        *((16, 5), (16,)),
    ]
    assert head(torch.randn(2, 8)).shape == (2, 4, 4)


def test_one_stripe_has_no_order():
    with pytest.raises(UserError, match='num_stripes'):
        PermutationHead(8, num_stripes=1)
