import pytest
import torch
from torch import nn

from mmcion.models import CenterLoss
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks


def batch(seed, count=6):
    rng = torch.Generator().manual_seed(seed)
    feats = torch.randn(count, 3, generator=rng)
    return feats, torch.randint(0, 4, (count,), generator=rng)


def test_loss_and_gradient_are_those_of_the_formula():
    loss = CenterLoss(4, 3, weight=0.01)
    feats, pids = batch(0)
    feats.requires_grad_()
    centers = loss.centers.clone()
    value = loss(feats, pids)
    value.backward()
    expected = sum(
        (f - centers[y]).square().sum()
        for f, y in zip(feats.detach(), pids, strict=True)
    )
    assert value.item() == pytest.approx(0.01 * expected.item() / 6)
    gap = 2 * 0.01 / 6 * (feats.detach() - centers[pids])
    torch.testing.assert_close(feats.grad, gap)


def test_centers_move_as_by_their_own_optimizer():
    loss = CenterLoss(4, 3)
    centers = nn.Parameter(loss.centers.clone())
    optimizer = torch.optim.SGD([centers], lr=0.5)
    for seed in range(3):
        feats, pids = batch(seed)
        loss(feats, pids)
        # published: the gradient of the weighted loss, divided by the weight
        optimizer.zero_grad()
        (feats - centers[pids]).square().sum(1).mean().backward()
        optimizer.step()
        torch.testing.assert_close(loss.centers, centers.data)
    loss.eval()(*batch(9))
    torch.testing.assert_close(loss.centers, centers.data)


def move_on_rank():
    rank = torch.distributed.get_rank()
    torch.manual_seed(0)
    loss = CenterLoss(4, 3)
    feats, pids = batch(0)
    mine = slice(0, 2) if rank == 0 else slice(2, None)
    loss(feats[mine], pids[mine])
    return loss.centers


def test_ranks_share_the_centers():
    torch.manual_seed(0)
    loss = CenterLoss(4, 3)
    loss(*batch(0))
    first, second = run_on_ranks(move_on_rank)
    assert torch.equal(first, second)
    torch.testing.assert_close(first, loss.centers)


def test_no_parameter_is_trained():
    loss = CenterLoss(4, 3)
    assert not list(loss.parameters())
    assert loss.state_dict().keys() == {'centers'}
    with pytest.raises(UserError, match='-1'):
        CenterLoss(4, 3, lr=-1.0)
