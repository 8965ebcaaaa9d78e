from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmcion.engine import ClipPerTensorHook, FreezeLastLayerHook
from mmcion.utils.checks import UserError


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.mlp = nn.Linear(6, 5)
        self.last_layer = nn.Linear(5, 4)
        self.last_layer.bias.requires_grad_(False)

    def forward(self, x):
        return self.last_layer(self.mlp(x))


def make_runner(optimizer=torch.optim.AdamW, **options):
    model = Model()
    trained = [p for p in model.parameters() if p.requires_grad]
    wrapper = OptimWrapper(optimizer(trained, lr=0.1, **options))
    return SimpleNamespace(model=model, optim_wrapper=wrapper, epoch=0)


def step(runner, scale=1.0):
    x = torch.linspace(-1, 1, 12).view(2, 6)
    loss = scale * runner.model(x).square().sum()
    runner.optim_wrapper.update_params(loss)


def last_weight(runner):
    return runner.model.last_layer.weight


@pytest.mark.parametrize('scale', [1e-4, 1.0, 1e4])
def test_each_tensor_is_clipped_by_itself(scale):
    clipped, plain = make_runner(torch.optim.SGD), Model()
    ClipPerTensorHook(max_norm=0.5).before_train(clipped)
    x = torch.linspace(-1, 1, 12).view(2, 6)
    (scale * plain(x).square().sum()).backward()
    for weight in plain.parameters():
        if weight.grad is not None:
            nn.utils.clip_grad_norm_(weight, 0.5)
            weight.data.sub_(0.1 * weight.grad)
    step(clipped, scale)
    for got, expected in zip(
        clipped.model.parameters(), plain.parameters(), strict=True
    ):
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-7)


def test_clipping_copes_with_parameters_without_gradient():
    runner = make_runner()
    ClipPerTensorHook().before_train(runner)
    before = [p.clone() for p in runner.model.parameters()]
    runner.optim_wrapper.step()
    assert all(map(torch.equal, runner.model.parameters(), before))


def test_clipping_sees_accumulated_gradients():
    runner = make_runner(torch.optim.SGD)
    runner.optim_wrapper._accumulative_counts = 2
    runner.optim_wrapper.initialize_count_status(runner.model, 0, 2)
    ClipPerTensorHook(max_norm=0.5).before_train(runner)
    before = runner.model.mlp.weight.detach().clone()
    step(runner, 1e3)
    assert torch.equal(runner.model.mlp.weight, before)
    step(runner, 1e3)
    moved = (runner.model.mlp.weight - before).detach().norm()
    assert float(moved) == pytest.approx(0.1 * 0.5, rel=1e-5)


class ScaledOptimWrapper(OptimWrapper):
    """What mmengine's AmpOptimWrapper does, on CPUs too."""

    def __init__(self, optimizer, init_scale):
        super().__init__(optimizer)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=init_scale)

    def backward(self, loss, **kwargs):
        self.loss_scaler.scale(loss).backward()

    def step(self, **kwargs):
        self.loss_scaler.step(self.optimizer)
        self.loss_scaler.update()


def published_step(model, loss_scale, clip_first):
    """Gradients are clipped while they carry the loss scale, or not."""
    x = torch.linspace(-1, 1, 12).view(2, 6)
    (loss_scale * model(x).square().sum()).backward()
    for weight in model.parameters():
        if weight.grad is None:
            continue
        if not clip_first:
            weight.grad /= loss_scale
        norm = weight.grad.norm()
        weight.grad *= min(1, 0.5 / (norm + 1e-6))
        if clip_first:
            weight.grad /= loss_scale
        weight.data.sub_(0.1 * weight.grad)


def assert_same_weights(first, second):
    for got, expected in zip(
        first.parameters(), second.parameters(), strict=True
    ):
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize('as_published', [True, False])
@pytest.mark.parametrize('loss_scale', [1.0, 8.0, 2.0**16])
def test_clipping_before_or_after_the_loss_scale_is_undone(
    loss_scale, as_published
):
    runner = make_runner(torch.optim.SGD)
    runner.optim_wrapper = ScaledOptimWrapper(
        runner.optim_wrapper.optimizer, loss_scale
    )
    ClipPerTensorHook(0.5, as_published).before_train(runner)
    step(runner)
    plain = Model()
    published_step(plain, loss_scale, as_published)
    start = Model().mlp.weight
    moved = (runner.model.mlp.weight - start).detach().norm()
    limit = 0.05 / (loss_scale if as_published else 1)
    assert float(moved) == pytest.approx(limit, rel=0.02)
    assert_same_weights(runner.model, plain)


def test_without_a_loss_scale_the_published_one_is_taken():
    runner = make_runner(torch.optim.SGD)
    ClipPerTensorHook(0.5, as_published=True).before_train(runner)
    # a rate at which what is left of the gradient shows
    runner.optim_wrapper.param_groups[0]['lr'] = 2.0**16 / 10
    step(runner)
    start = Model().mlp.weight
    moved = (runner.model.mlp.weight - start).detach().norm()
    assert float(moved) == pytest.approx(0.05, rel=1e-4)


def adamw_steps(loss_scale, as_published=True):
    runner = make_runner(weight_decay=0.04)
    if loss_scale:
        runner.optim_wrapper = ScaledOptimWrapper(
            runner.optim_wrapper.optimizer, loss_scale
        )
    ClipPerTensorHook(3.0, as_published).before_train(runner)
    for number in range(1, 7):
        step(runner, number * 10.0)
    return runner.model


def test_adamw_goes_the_published_way_with_and_without_a_loss_scale():
    scaled, plain = adamw_steps(2.0**16), adamw_steps(None)
    assert_same_weights(plain, scaled)
    # another scale, or clipping in true units, goes elsewhere
    for other in (adamw_steps(2.0**24), adamw_steps(None, False)):
        gap = (other.mlp.weight - plain.mlp.weight).detach().abs().max()
        assert gap > 1e-3


@pytest.mark.parametrize('as_published', [True, False])
def test_fused_optimizers_are_clipped_the_same(as_published):
    states = []
    for fused in (False, True):
        runner = make_runner(torch.optim.SGD, fused=fused)
        runner.optim_wrapper = ScaledOptimWrapper(
            runner.optim_wrapper.optimizer, 8.0
        )
        ClipPerTensorHook(0.5, as_published).before_train(runner)
        step(runner)
        states.append(runner.model.state_dict())
    assert not torch.equal(states[0]['mlp.weight'], Model().mlp.weight)
    torch.testing.assert_close(states[1], states[0])


@pytest.mark.parametrize('max_norm', [0, -1.0])
def test_norm_must_be_positive(max_norm):
    with pytest.raises(UserError, match=f'max_norm.* {max_norm}'):
        ClipPerTensorHook(max_norm)


def test_last_layer_rests_in_the_first_epoch_and_learns_then():
    runner = make_runner(weight_decay=0.1)
    FreezeLastLayerHook(epochs=1).before_train(runner)
    before = last_weight(runner).detach().clone()
    others = runner.model.mlp.weight.detach().clone()
    step(runner)
    step(runner)
    state = runner.optim_wrapper.optimizer.state
    assert torch.equal(last_weight(runner), before)  # no decay either
    assert not torch.equal(runner.model.mlp.weight, others)
    assert last_weight(runner) not in state
    runner.epoch = 1
    step(runner)
    assert not torch.equal(last_weight(runner), before)
    assert state[last_weight(runner)]['step'] == 1


def test_resumed_run_does_not_freeze_again():
    runner = make_runner()
    runner.epoch = 1
    FreezeLastLayerHook(epochs=1).before_train(runner)
    before = last_weight(runner).detach().clone()
    step(runner)
    assert not torch.equal(last_weight(runner), before)


def test_nothing_to_freeze():
    runner = make_runner()
    runner.model.last_layer.requires_grad_(False)
    with pytest.raises(UserError, match='last_layer'):
        FreezeLastLayerHook().before_train(runner)


@pytest.mark.parametrize('clip_first', [True, False])
def test_order_of_the_hooks_does_not_matter(clip_first):
    runner = make_runner()
    hooks = [ClipPerTensorHook(0.5), FreezeLastLayerHook()]
    for hook in hooks if clip_first else hooks[::-1]:
        hook.before_train(runner)
    before = last_weight(runner).detach().clone()
    step(runner, 1e3)
    assert torch.equal(last_weight(runner), before)
