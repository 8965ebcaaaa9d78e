import math

import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models import TripletLoss, batch_hard_triplet_loss
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.golden import golden_inputs, golden_tensor, read_golden


def brute_force(feats, pids, margin):
    """Hermans et al., equation 5, one pair of images at a time."""
    losses = []
    for anchor, pid in zip(feats, pids, strict=True):
        distances = [math.dist(anchor, other) for other in feats]
        pairs = list(zip(distances, pids == pid, strict=True))
        negatives = [d for d, same in pairs if not same]
        if not negatives:
            continue
        gap = max(d for d, same in pairs if same) - min(negatives)
        soft = math.log1p(math.exp(gap))
        losses.append(soft if margin is None else max(0, margin + gap))
    return sum(losses) / max(len(losses), 1)


@pytest.mark.parametrize('margin', [0.3, 0.0, 2.0, None])
@pytest.mark.parametrize('pids', [[0, 0, 1, 1, 2, 2], [5, 5, 5, 5, 9, 9]])
@pytest.mark.parametrize('seed', range(3))
def test_loss_is_that_of_all_pairs(margin, pids, seed):
    rng = torch.Generator().manual_seed(seed)
    feats = torch.randn(6, 3, generator=rng, dtype=torch.float64)
    labels = torch.tensor(pids)
    loss = batch_hard_triplet_loss(feats, labels, margin)
    expected = brute_force(feats, labels, margin)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert TripletLoss(margin)(feats, labels) == loss


@pytest.mark.parametrize('margin', [1.0, None])
def test_gradient_is_that_of_the_formula(margin):
    rng = torch.Generator().manual_seed(0)
    feats = torch.randn(8, 4, generator=rng, dtype=torch.float64)
    pids = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    torch.autograd.gradcheck(
        lambda x: batch_hard_triplet_loss(x, pids, margin),
        feats.requires_grad_(),
    )


def golden_case(name):
    case = read_golden('transreid')['cases'][name]
    spec = case['inputs']['features']
    feats = golden_tensor(spec['key'], spec['shape'], spec['scale'])
    return feats, torch.tensor(case['params']['pids']), case['outputs']


def test_equals_published_code():
    feats, pids, outputs = golden_case('batch_hard_triplet')
    feats.requires_grad_()
    soft = batch_hard_triplet_loss(feats, pids, None)
    soft.backward()
    expected = pytest.approx(outputs['soft_margin'], rel=1e-12)
    assert soft.item() == expected
    torch.testing.assert_close(
        feats.grad,
        torch.tensor(outputs['grad_soft_margin'], dtype=torch.float64),
        rtol=1e-9,
        atol=1e-15,
    )
    hinge = batch_hard_triplet_loss(feats, pids, 0.3)
    assert hinge.item() == pytest.approx(outputs['hinge'], rel=1e-12)


def test_identities_may_have_different_numbers_of_images():
    feats, pids, outputs = golden_case('batch_hard_triplet_unequal')
    soft = batch_hard_triplet_loss(feats, pids, None)
    # published code has the distance 1e-6 of an image to itself, ours 0
    assert soft.item() == pytest.approx(outputs['soft_margin'], abs=1e-6)


def test_hand_computed():
    # on a line; the gaps are 3 - 4, 3 - 1, 0 - 1
    feats = torch.tensor([[0.0], [3.0], [4.0]])
    pids = torch.tensor([0, 0, 1])
    assert batch_hard_triplet_loss(feats, pids, 1.5).item() == pytest.approx(
        (0.5 + 3.5 + 0.5) / 3
    )


@pytest.mark.parametrize('margin', [0.3, None])
def test_one_identity_alone_teaches_nothing(margin):
    feats = torch.randn(4, 3, requires_grad=True)
    pids = torch.full((4,), 7)
    loss = batch_hard_triplet_loss(feats, pids, margin)
    loss.backward()
    assert loss == 0
    assert torch.equal(feats.grad, torch.zeros(4, 3))


@pytest.mark.parametrize('margin', [0.3, None])
def test_equal_images_have_a_finite_gradient(margin):
    feats = torch.ones(4, 3, requires_grad=True)
    pids = torch.tensor([0, 0, 1, 1])
    loss = batch_hard_triplet_loss(feats, pids, margin)
    loss.backward()
    assert loss.item() == pytest.approx(margin or math.log(2))
    assert torch.equal(feats.grad, torch.zeros(4, 3))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_left_before_distances(dtype):
    # squares would overflow in float16
    feats = (300 * torch.randn(8, 64)).to(dtype).requires_grad_()
    pids = torch.arange(8) // 2
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = batch_hard_triplet_loss(feats, pids)
    expected = batch_hard_triplet_loss(feats.float(), pids)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, expected)
    loss.backward()
    assert feats.grad.isfinite().all() and feats.grad.any()


def test_close_features_keep_their_digits():
    base = 100 * normalize(torch.ones(16, 512))
    step = 1e-2 * torch.arange(16)[:, None]
    feats = base + torch.nn.functional.pad(step, (0, 511))
    pids = torch.arange(16) // 2
    loss = batch_hard_triplet_loss(feats, pids, 0.0)
    expected = brute_force(feats.double(), pids, 0.0)
    assert loss.item() == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ('feats', 'pids'), [((4, 3), (3,)), ((4,), (4,)), ((4, 3), (4, 1))]
)
def test_shapes_that_do_not_fit(feats, pids):
    with pytest.raises(UserError, match=r'feats must be \(N, D\)'):
        batch_hard_triplet_loss(torch.zeros(feats), torch.zeros(pids))


def test_negative_margin_is_refused():
    with pytest.raises(UserError, match=r'margin.* -1'):
        TripletLoss(-1)


def test_golden_of_soft_margin_and_hinge():
    case = read_golden('mgn')['cases']['batch_hard_triplet']
    (feats,) = golden_inputs(case).values()
    pids, expected = torch.tensor(case['params']['pids']), case['outputs']
    feats.requires_grad_()
    loss = batch_hard_triplet_loss(feats, pids, None)
    loss.backward()
    assert loss.item() == pytest.approx(expected['soft_margin'], rel=1e-9)
    gradient = torch.tensor(expected['grad_soft_margin'], dtype=torch.float64)
    torch.testing.assert_close(feats.grad, gradient, rtol=1e-9, atol=1e-12)
    hinge = batch_hard_triplet_loss(feats, pids, case['params']['margin'])
    assert hinge.item() == pytest.approx(expected['hinge'], rel=1e-9)


def test_golden_of_groups_of_unequal_size():
    case = read_golden('mgn')['cases']['batch_hard_triplet_unequal']
    (feats,) = golden_inputs(case).values()
    pids = torch.tensor(case['params']['pids'])
    loss = batch_hard_triplet_loss(feats, pids, None)
    # published code has distances of 1e-6 where ours are 0
    assert loss.item() == pytest.approx(
        case['outputs']['soft_margin'], rel=1e-6
    )


def loss_of_all_ranks(feats, pids):
    rank = torch.distributed.get_rank()
    own = feats[rank::2].clone().requires_grad_()
    loss = TripletLoss(None, gather=True)(own, pids[rank::2])
    loss.backward()
    return loss.detach(), own.grad


def test_ranks_mine_together_and_keep_their_own_gradient():
    torch.manual_seed(0)
    feats = torch.randn(8, 3, dtype=torch.float64)
    # alone, no rank has a positive of another image
    pids = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    both = run_on_ranks(loss_of_all_ranks, feats, pids)
    feats.requires_grad_()
    expected = TripletLoss(None, gather=True)(feats, pids)
    expected.backward()
    for rank, (loss, grad) in enumerate(both):
        torch.testing.assert_close(loss, expected.detach())
        torch.testing.assert_close(grad, feats.grad[rank::2])
