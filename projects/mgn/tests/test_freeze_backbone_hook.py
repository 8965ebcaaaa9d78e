from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmcion.utils.checks import UserError

from ..mgn import FreezeBackboneHook

STEPS, FROZEN = 12, 4


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.neck = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.neck(self.backbone(x)).square().mean()


def test_backbone_is_skipped_up_to_the_last_frozen_iteration():
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.1)
    runner = SimpleNamespace(
        model=model,
        optim_wrapper=SimpleNamespace(optimizer=optimizer),
        max_iters=STEPS,
    )
    hook = FreezeBackboneHook(FROZEN / STEPS)
    hook.before_train(runner)
    first = {k: v.clone() for k, v in model.backbone.state_dict().items()}
    neck = model.neck.weight.detach().clone()
    for runner.iter in range(STEPS):
        model.train()  # as every epoch begins
        hook.before_train_iter(runner)
        optimizer.zero_grad()
        model(torch.randn(5, 3)).backward()
        optimizer.step()
        frozen = runner.iter <= FROZEN
        assert all(m.training != frozen for m in model.backbone.modules())
        assert model.neck.training
        now = model.backbone.state_dict()
        changed = {k for k in first if not torch.equal(now[k], first[k])}
        assert changed == (set() if frozen else set(first))
        seen = {id(p) for p in optimizer.state}
        for parameter in model.backbone.parameters():
            assert (id(parameter) in seen) != frozen
        assert not torch.equal(model.neck.weight, neck)
    # its own steps, not those of the run, correct its moments
    state = optimizer.state[model.backbone[0].weight]
    assert state['step'] == STEPS - FROZEN - 1


def test_ratio_out_of_range():
    with pytest.raises(UserError, match=r'freeze_ratio.* 2'):
        FreezeBackboneHook(2)
