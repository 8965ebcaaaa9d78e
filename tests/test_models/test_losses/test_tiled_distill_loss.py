import pytest
import torch
from torch.nn.functional import normalize
from torch.utils._python_dispatch import TorchDispatchMode

from mmcion.models.losses import identity_distill_loss, tiled_distill_loss
from mmcion.utils.checks import UserError

PIDS = torch.tensor([7, 0, 7, 3, 3, 7, 4, 3])
DIM, PROTOTYPES = 5, 13


def make_inputs(num_views=4, batch=8, dtype=torch.float64):
    """Unit features and prototypes, teacher logits and a centre."""
    rng = torch.Generator().manual_seed(0)
    feats, prototypes = (
        normalize(torch.randn(shape, generator=rng, dtype=dtype), dim=-1)
        for shape in ((num_views, batch, DIM), (PROTOTYPES, DIM))
    )
    teacher = torch.rand((2, batch, PROTOTYPES), generator=rng, dtype=dtype)
    center = torch.rand(PROTOTYPES, generator=rng, dtype=dtype) * 0.2
    return feats, prototypes, teacher, center


def plain_loss(feats, prototypes, *args, **temps):
    logits = torch.nn.functional.linear(feats, prototypes)
    return identity_distill_loss(logits, *args, **temps)


def loss_and_grads(loss_fn, feats, prototypes, *args, **options):
    trained = [x.clone().requires_grad_() for x in (feats, prototypes)]
    loss = loss_fn(*trained, *args, **options)
    return loss.detach(), torch.autograd.grad(3 * loss, trained)


@pytest.mark.parametrize('num_views', [2, 4])
@pytest.mark.parametrize('chunk_size', [1, 4, 12, 13, 100])
def test_equals_the_plain_form(chunk_size, num_views):
    inputs = make_inputs(num_views)
    got = loss_and_grads(
        tiled_distill_loss, *inputs, PIDS, chunk_size=chunk_size
    )
    expected = loss_and_grads(plain_loss, *inputs, PIDS)
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-13)


def test_gradient_by_finite_differences():
    feats, prototypes, teacher, center = make_inputs(num_views=3)
    assert torch.autograd.gradcheck(
        lambda f, p: tiled_distill_loss(
            f, p, teacher, center, PIDS, chunk_size=4
        ),
        [feats.requires_grad_(), prototypes.requires_grad_()],
    )


def test_temperatures_are_used():
    temps = {'student_temp': 0.3, 'teacher_temp': 0.07}
    inputs = make_inputs()
    got = loss_and_grads(
        tiled_distill_loss, *inputs, PIDS, chunk_size=5, **temps
    )
    expected = loss_and_grads(plain_loss, *inputs, PIDS, **temps)
    torch.testing.assert_close(got, expected)


def test_float32_agrees_with_float64():
    inputs = make_inputs()
    loss, grads = loss_and_grads(
        tiled_distill_loss, *(x.float() for x in inputs), PIDS, chunk_size=4
    )
    expected, wide_grads = loss_and_grads(plain_loss, *inputs, PIDS)
    assert loss.dtype == grads[0].dtype == torch.float32
    assert float(loss) == pytest.approx(float(expected), rel=2e-6)
    for grad, wide in zip(grads, wide_grads, strict=True):
        assert (grad - wide).norm() <= 1e-5 * wide.norm()


def test_autocast_is_that_of_a_linear_layer():
    inputs = [x.float() for x in make_inputs()]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss, grads = loss_and_grads(
            tiled_distill_loss, *inputs, PIDS, chunk_size=4
        )
        expected, plain_grads = loss_and_grads(plain_loss, *inputs, PIDS)
    assert loss.dtype == grads[0].dtype == grads[1].dtype == torch.float32
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    for grad, plain in zip(grads, plain_grads, strict=True):
        assert (grad - plain).norm() <= 1e-2 * plain.norm()


def test_logits_of_one_chunk_exist_at_a_time():
    sizes = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            made = func(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor):
                sizes.append(made.numel())
            return made

    inputs = make_inputs(num_views=10)
    with Watch():
        loss_and_grads(tiled_distill_loss, *inputs, PIDS, chunk_size=2)
    chunk, all_logits = 10 * 8 * 2, 10 * 8 * PROTOTYPES
    inputs_and_gradients = max(x.numel() for x in inputs[:3])
    assert max(sizes) == max(inputs_and_gradients, 10 * 8 * DIM)
    assert chunk in sizes and max(sizes) < all_logits


def test_only_what_needs_a_gradient_gets_one():
    feats, prototypes, teacher, center = make_inputs()
    teacher.requires_grad_()
    feats.requires_grad_()
    tiled_distill_loss(
        feats, prototypes, teacher, center, PIDS, chunk_size=4
    ).backward()
    assert feats.grad is not None
    assert prototypes.grad is None and teacher.grad is None


@pytest.mark.parametrize('chunk_size', [0, -3])
def test_chunks_must_hold_something(chunk_size):
    with pytest.raises(UserError, match=f'chunk_size.* {chunk_size}'):
        tiled_distill_loss(*make_inputs(), PIDS, chunk_size=chunk_size)


def test_prototypes_must_fit_the_features():
    feats, prototypes, *rest = make_inputs()
    with pytest.raises(UserError, match=r'teacher must be \(2, 8, 5\)'):
        tiled_distill_loss(feats, prototypes.T, *rest, PIDS, chunk_size=4)
    with pytest.raises(UserError, match=r'teacher must be \(2, 8, 12\)'):
        tiled_distill_loss(feats, prototypes[1:], *rest, PIDS, chunk_size=4)
