import pytest
import torch
from torch import nn

from mmcion.engine import Bf16OptimWrapper
from mmcion.utils.checks import UserError


def make(accumulative_counts=1):
    torch.manual_seed(0)
    model = nn.Linear(6, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, Bf16OptimWrapper(
        optimizer=optimizer, accumulative_counts=accumulative_counts
    )


def inputs(seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(3, 6, generator=rng)


def train_step(model, wrapper, seed):
    with wrapper.optim_context(model):
        out = model(inputs(seed))
        loss = out.float().square().mean()
    wrapper.update_params(loss)
    return out


def test_forward_pass_is_in_bfloat16_and_weights_stay_float32():
    model, wrapper = make()
    out = train_step(model, wrapper, 0)
    assert out.dtype == torch.bfloat16
    assert model.weight.dtype == torch.float32
    assert model(inputs(0)).dtype == torch.float32  # autocast has ended


def test_step_is_that_of_autocast_without_a_loss_scale():
    model, wrapper = make()
    plain, _ = make()
    train_step(model, wrapper, 0)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = plain(inputs(0)).float().square().mean()
    loss.backward()
    expected = plain.weight - 0.1 * plain.weight.grad
    torch.testing.assert_close(model.weight, expected, rtol=1e-6, atol=0)


def test_gradients_accumulate():
    model, wrapper = make(accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    plain, _ = make()
    start = model.weight.detach().clone()
    train_step(model, wrapper, 0)
    assert torch.equal(model.weight, start)
    train_step(model, wrapper, 1)
    for seed in range(2):
        with torch.autocast('cpu', dtype=torch.bfloat16):
            loss = plain(inputs(seed)).float().square().mean()
        (loss / 2).backward()
    expected = plain.weight - 0.1 * plain.weight.grad
    torch.testing.assert_close(model.weight, expected)


def test_error_in_the_forward_pass_ends_autocast():
    model, wrapper = make()
    with pytest.raises(RuntimeError), wrapper.optim_context(model):
        model(torch.zeros(3, 5))
    assert not torch.is_autocast_enabled('cpu')
    with pytest.raises(ValueError, match='mine'), wrapper.optim_context(model):
        raise ValueError('mine')


def test_no_scaler_in_the_state():
    _, wrapper = make()
    assert 'loss_scaler' not in wrapper.state_dict()


def test_gpu_without_bfloat16_is_sent_to_float16(monkeypatch):
    module = 'mmcion.engine.optim.bf16_optim_wrapper'
    monkeypatch.setattr(f'{module}.get_device', lambda: 'cuda')
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'Tesla V100')
    # as torch answers there: it can be emulated
    monkeypatch.setattr(
        torch.cuda,
        'is_bf16_supported',
        lambda including_emulation=True: including_emulation,
    )
    with pytest.raises(UserError, match=r'V100.*AmpOptimWrapper'):
        make()
