import pytest
import torch

from mmcion.models import WeightedTripletLoss, weighted_triplet_loss
from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

CASES = read_golden('agw')['cases']
NAMES = ['weighted_regularised_triplet', 'weighted_regularised_triplet_far']


def inputs_of(name):
    case = CASES[name]
    pids = torch.tensor(case['params']['pids'])
    return golden_inputs(case)['features'].requires_grad_(), pids


@pytest.mark.parametrize('name', NAMES)
def test_golden(name):
    feats, pids = inputs_of(name)
    outputs = CASES[name]['outputs']
    loss = weighted_triplet_loss(feats, pids)
    assert loss.item() == pytest.approx(outputs['exact'], rel=1e-12)
    loss.backward()
    expected = torch.tensor(outputs['grad_exact'], dtype=torch.float64)
    torch.testing.assert_close(feats.grad, expected, rtol=1e-9, atol=1e-12)
    published = WeightedTripletLoss(eps=1e-6)(feats, pids)
    assert published.item() == pytest.approx(outputs['published'], rel=1e-12)


def test_far_negatives_keep_their_weight():
    # two identities at distance 50, equal images: loss log(1 + exp(-50))
    feats = torch.zeros(4, 3, dtype=torch.float64)
    feats[2:, 0] = 50
    pids = torch.tensor([0, 0, 1, 1])
    loss = weighted_triplet_loss(feats, pids)
    assert loss.item() == pytest.approx(1.92875e-22, rel=1e-5)
    published = weighted_triplet_loss(feats, pids, eps=1e-6)
    assert published.item() > 0.6  # as if the negatives were at distance 0


def test_gradient_of_unequal_groups():
    rng = torch.Generator().manual_seed(0)
    feats = torch.randn(7, 4, generator=rng, dtype=torch.float64)
    pids = torch.tensor([0, 1, 0, 2, 0, 1, 3])
    assert torch.autograd.gradcheck(
        lambda x: weighted_triplet_loss(x, pids), feats.requires_grad_()
    )


@pytest.mark.parametrize('eps', [0.0, 1e-6])
def test_one_identity_alone_teaches_nothing(eps):
    feats = torch.randn(4, 3).requires_grad_()
    loss = weighted_triplet_loss(feats, torch.zeros(4, dtype=int), eps)
    loss.backward()
    assert loss == 0
    assert not feats.grad.any()


def test_large_distances_have_finite_gradients():
    feats = (torch.randn(6, 3) * 1e4).requires_grad_()
    pids = torch.tensor([0, 0, 1, 1, 2, 2])
    weighted_triplet_loss(feats, pids).backward()
    assert feats.grad.isfinite().all()


def test_half_precision_is_computed_in_single():
    feats = torch.randn(4, 3).half()
    pids = torch.tensor([0, 0, 1, 1])
    assert weighted_triplet_loss(feats, pids).dtype == torch.float32


def test_shapes_and_eps_are_checked():
    with pytest.raises(UserError, match='3'):
        weighted_triplet_loss(torch.zeros(3, 2), torch.zeros(2, dtype=int))
    with pytest.raises(UserError, match='-1'):
        WeightedTripletLoss(eps=-1.0)
