import pytest
import torch

from mmcion.models import identity_distill_loss
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.golden import golden_logits, read_golden

STUDENT_TEMP, TEACHER_TEMP = 0.1, 0.04


def published_loss(student, teacher, center, num_instances):
    """The paper's loss over pairs; identities are blocks of K rows.

    Source: CION (NeurIPS 2024), identity-guided self-distillation, as in
    the published training code: for a teacher view a and a student view v,
    pairs of one image are averaged over the batch, and those of instances
    i != j of an identity over identities.
    """
    k, batch = num_instances, student.shape[1]
    log_p = (student / STUDENT_TEMP).log_softmax(-1)
    q = ((teacher - center) / TEACHER_TEMP).softmax(-1)
    terms = []
    for a in range(2):
        for v in range(len(student)):
            if v == a:
                continue
            pull = -(q[a] * log_p[v]).sum() / batch
            for i in range(k):
                for j in range(k):
                    if i != j:
                        cross = -(q[a, i::k] * log_p[v, j::k]).sum(-1)
                        pull = pull + cross.mean()
            terms.append(pull / (k * (k - 1) + 1))
    return torch.stack(terms).mean()


def unequal_loss(student, teacher, center, pids):
    """The same with groups of any size: one group after the other."""
    terms = [
        published_loss(
            student[:, pids == pid],
            teacher[:, pids == pid],
            center,
            int((pids == pid).sum()),
        )
        for pid in pids.unique()
    ]
    return torch.stack(terms).mean()


def dino_loss(student, teacher, center):
    """Source: facebookresearch/dino at 7c446df, main_dino.py, DINOLoss."""
    log_p = (student / STUDENT_TEMP).log_softmax(-1)
    q = ((teacher - center) / TEACHER_TEMP).softmax(-1)
    terms = [
        -(q[a] * log_p[v]).sum(-1).mean()
        for a in range(2)
        for v in range(len(student))
        if a != v
    ]
    return torch.stack(terms).mean()


def random_logits(num_views, batch, dim=7, seed=0, dtype=torch.float64):
    """Cosines, as the projector makes them, and a centre."""
    rng = torch.Generator().manual_seed(seed)
    shapes = ((num_views, batch, dim), (2, batch, dim), (dim,))
    student, teacher, center = (
        torch.rand(shape, generator=rng, dtype=dtype) * 2 - 1
        for shape in shapes
    )
    return student.requires_grad_(), teacher, center * 0.2


def loss_and_grad(loss_fn, student, *args):
    student = student.detach().clone().requires_grad_()
    loss = loss_fn(student, *args)
    (grad,) = torch.autograd.grad(loss, student)
    return loss.detach(), grad


def block_pids(batch, num_instances):
    return torch.arange(batch) // num_instances


@pytest.mark.parametrize('case', read_golden('loss'), ids=lambda c: c['K'])
def test_equals_golden_figures(case):
    student, teacher, center = golden_logits(case['ncrops'])
    pids = block_pids(case['B'], case['K'])
    loss, grad = loss_and_grad(
        identity_distill_loss, student, teacher, center, pids
    )
    got = [loss, grad.norm(), grad[0, 0, 0], grad[-1, -1, -1]]
    expected = [
        case[name] for name in ('loss', 'grad_l2', 'grad_00', 'grad_last')
    ]
    assert [float(x) for x in got] == pytest.approx(expected, abs=1e-9, rel=0)


@pytest.mark.parametrize('num_views', [2, 6, 10])
@pytest.mark.parametrize('num_instances', range(2, 9))
def test_equals_published_loss_over_pairs(num_instances, num_views):
    batch = 3 * num_instances
    logits = random_logits(num_views, batch, seed=num_instances)
    pids = block_pids(batch, num_instances)
    loss, grad = loss_and_grad(identity_distill_loss, *logits, pids)
    expected = loss_and_grad(published_loss, *logits, num_instances)
    torch.testing.assert_close((loss, grad), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize('num_views', [2, 6])
@pytest.mark.parametrize('seed', range(5))
def test_groups_of_any_size_in_any_row_order(seed, num_views):
    rng = torch.Generator().manual_seed(seed)
    pids = torch.tensor([7] * 5 + [0] * 1 + [3] * 2 + [900] * 1 + [4] * 3)
    pids = pids[torch.randperm(len(pids), generator=rng)]
    logits = random_logits(num_views, len(pids), seed=seed)
    loss, grad = loss_and_grad(identity_distill_loss, *logits, pids)
    expected = loss_and_grad(unequal_loss, *logits, pids)
    torch.testing.assert_close((loss, grad), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize('num_views', [2, 5])
def test_single_images_give_dino(num_views):
    logits = random_logits(num_views, 6)
    got = loss_and_grad(identity_distill_loss, *logits, torch.arange(6))
    expected = loss_and_grad(dino_loss, *logits)
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-13)


def test_row_order_does_not_matter():
    student, teacher, center = random_logits(4, 12)
    pids = block_pids(12, 4)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    loss, grad = loss_and_grad(
        identity_distill_loss, student, teacher, center, pids
    )
    moved = loss_and_grad(
        identity_distill_loss,
        student[:, order],
        teacher[:, order],
        center,
        pids[order],
    )
    torch.testing.assert_close(moved, (loss, grad[:, order]))


def test_mean_of_batches_with_equally_many_identities_is_the_big_batch():
    student, teacher, center = random_logits(4, 12)
    pids = block_pids(12, 3)
    whole = identity_distill_loss(student, teacher, center, pids)
    halves = [
        identity_distill_loss(
            student[:, rows], teacher[:, rows], center, pids[rows]
        )
        for rows in (slice(6), slice(6, 12))
    ]
    torch.testing.assert_close(sum(halves) / 2, whole)


def test_gradient_by_finite_differences():
    student, teacher, center = random_logits(3, 5, dim=4)
    pids = torch.tensor([1, 0, 1, 1, 2])
    # 3 * loss: the incoming gradient counts too
    assert torch.autograd.gradcheck(
        lambda s: 3 * identity_distill_loss(s, teacher, center, pids),
        [student],
    )


def test_temperatures_are_used():
    student, teacher, center = random_logits(3, 4)
    pids = block_pids(4, 2)
    got = identity_distill_loss(
        student, teacher, center, pids, student_temp=0.2, teacher_temp=0.08
    )
    # halving logits and centre is doubling both temperatures
    expected = identity_distill_loss(
        student / 2, teacher / 2, center / 2, pids
    )
    torch.testing.assert_close(got, expected)


def test_float32_agrees_with_float64():
    logits = random_logits(6, 16, dim=64)
    pids = block_pids(16, 4)
    loss, grad = loss_and_grad(
        identity_distill_loss, *[x.float() for x in logits], pids
    )
    wide_loss, wide_grad = loss_and_grad(identity_distill_loss, *logits, pids)
    assert loss.dtype == grad.dtype == torch.float32
    assert loss == pytest.approx(float(wide_loss), rel=2e-6)
    assert (grad - wide_grad).abs().max() <= 4e-6 * wide_grad.abs().max()


def test_bf16_logits_under_autocast_keep_a_float32_loss():
    logits = random_logits(6, 16, dim=64)
    pids = block_pids(16, 4)
    expected, wide_grad = loss_and_grad(identity_distill_loss, *logits, pids)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss, grad = loss_and_grad(
            identity_distill_loss, *[x.bfloat16() for x in logits], pids
        )
    assert loss.dtype == torch.float32 and grad.dtype == torch.bfloat16
    assert loss == pytest.approx(float(expected), rel=1e-2)
    error = (grad.double() - wide_grad).norm() / wide_grad.norm()
    assert error < 2e-2


def test_autocast_does_not_touch_float32_logits():
    logits = [x.detach().float() for x in random_logits(4, 8)]
    pids = block_pids(8, 4)
    plain = loss_and_grad(identity_distill_loss, *logits, pids)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        cast = loss_and_grad(identity_distill_loss, *logits, pids)
    assert torch.equal(plain[0], cast[0]) and torch.equal(plain[1], cast[1])


def test_teacher_and_center_get_no_gradient():
    student, teacher, center = random_logits(3, 4)
    teacher.requires_grad_()
    center.requires_grad_()
    identity_distill_loss(
        student, teacher, center, block_pids(4, 2)
    ).backward()
    assert student.grad is not None
    assert teacher.grad is None and center.grad is None


def test_loss_scale_saves_small_gradients_of_float16():
    """With 65336 prototypes a row's push is 2e-7: nothing in float16."""
    logits = random_logits(4, 8, dim=4096)
    pids = block_pids(8, 4)
    _, wide_grad = loss_and_grad(identity_distill_loss, *logits, pids)
    student, *rest = (x.detach().half() for x in logits)
    student.requires_grad_()
    loss = 2.0**14 * identity_distill_loss(student, *rest, pids)
    (grad,) = torch.autograd.grad(loss, student)
    error = (grad.double() / 2**14 - wide_grad).norm() / wide_grad.norm()
    assert error < 2e-2
    pushed = (wide_grad > 0) & (wide_grad < wide_grad.max() / 100)
    assert (grad[pushed] > 0).float().mean() > 0.9


def test_backward_may_run_twice():
    student, teacher, center = random_logits(3, 4)
    loss = identity_distill_loss(student, teacher, center, block_pids(4, 2))
    first, second = (
        torch.autograd.grad(loss, student, retain_graph=True)[0]
        for _ in range(2)
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize('dtype', [torch.float16, torch.float32])
def test_backward_may_run_twice_with_other_scales(dtype):
    student, teacher, center = (
        x.detach().to(dtype) for x in random_logits(3, 4)
    )
    student.requires_grad_()
    loss = identity_distill_loss(student, teacher, center, block_pids(4, 2))
    first = torch.autograd.grad(8 * loss, student, retain_graph=True)[0]
    copy = first.clone()
    second = torch.autograd.grad(-2 * loss, student)[0]
    assert torch.equal(first, copy)
    torch.testing.assert_close(-4 * second, first)


def test_center_may_move_before_the_backward_pass():
    student, teacher, center = random_logits(3, 4)
    pids = block_pids(4, 2)
    _, expected = loss_and_grad(
        identity_distill_loss, student, teacher, center, pids
    )
    loss = identity_distill_loss(student, teacher, center, pids)
    center.add_(1)
    assert torch.equal(torch.autograd.grad(loss, student)[0], expected)


def loss_on_rank(student, teacher, center, pids):
    """Rank r takes every second identity."""
    rows = pids % 2 == torch.distributed.get_rank()
    return loss_and_grad(
        identity_distill_loss,
        student[:, rows],
        teacher[:, rows],
        center,
        pids[rows],
    )


def test_mean_of_two_ranks_equals_one_process():
    student, teacher, center = random_logits(4, 12)
    student, pids = student.detach(), block_pids(12, 3)
    loss, grad = loss_and_grad(
        identity_distill_loss, student, teacher, center, pids
    )
    ranks = run_on_ranks(loss_on_rank, student, teacher, center, pids)
    torch.testing.assert_close(sum(found for found, _ in ranks) / 2, loss)
    for rank, (_, part) in enumerate(ranks):
        torch.testing.assert_close(part / 2, grad[:, pids % 2 == rank])


def test_value_without_gradient_is_the_same():
    student, teacher, center = random_logits(3, 4)
    pids = block_pids(4, 2)
    loss = identity_distill_loss(student, teacher, center, pids)
    value = identity_distill_loss(student.detach(), teacher, center, pids)
    assert not value.requires_grad
    assert torch.equal(value, loss)


def test_no_grad_gives_the_same_value():
    student, teacher, center = random_logits(3, 4)
    pids = block_pids(4, 2)
    loss = identity_distill_loss(student, teacher, center, pids)
    with torch.no_grad():
        value = identity_distill_loss(student, teacher, center, pids)
    assert not value.requires_grad
    assert torch.equal(value, loss)


def test_gradient_has_no_gradient():
    student, teacher, center = random_logits(3, 4)
    loss = identity_distill_loss(student, teacher, center, block_pids(4, 2))
    (grad,) = torch.autograd.grad(loss**2, student, create_graph=True)
    with pytest.raises(RuntimeError, match='once_differentiable'):
        grad.sum().backward()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float32])
@pytest.mark.parametrize('size', [1e4, 1e30])
def test_huge_logits(size, dtype):
    """Softmaxes of one prototype; the same logits for the formula."""
    logits = [
        (x.detach() * size).to(dtype) for x in random_logits(4, 8, dim=64)
    ]
    pids = block_pids(8, 4)
    loss, grad = loss_and_grad(identity_distill_loss, *logits, pids)
    expected, wide_grad = loss_and_grad(
        published_loss, *[x.double() for x in logits], 4
    )
    assert loss.isfinite() and grad.isfinite().all()
    assert loss == pytest.approx(float(expected), rel=1e-5)
    error = (grad.double() - wide_grad).abs().max() / wide_grad.abs().max()
    assert error < 1e-2


def test_inputs_stay_as_they_were():
    logits = random_logits(3, 4)
    copies = [x.detach().clone() for x in logits]
    identity_distill_loss(*logits, block_pids(4, 2)).backward()
    assert all(torch.equal(a, b) for a, b in zip(logits, copies, strict=True))


def test_center_may_have_a_leading_axis():
    student, teacher, center = random_logits(3, 4)
    pids = block_pids(4, 2)
    flat = identity_distill_loss(student, teacher, center, pids)
    assert torch.equal(
        flat, identity_distill_loss(student, teacher, center[None], pids)
    )


@pytest.mark.parametrize(
    ('shapes', 'message'),
    [
        (((4, 7), (2, 4, 7), (7,), (4,)), r'\(V >= 2, B, C\)'),
        (((1, 4, 7), (2, 4, 7), (7,), (4,)), 'V >= 2'),
        (((3, 4, 7), (3, 4, 7), (7,), (4,)), r'teacher must be \(2, 4, 7\)'),
        (((3, 4, 7), (2, 4, 6), (7,), (4,)), r'teacher must be \(2, 4, 7\)'),
        (((3, 4, 7), (2, 4, 7), (6,), (4,)), r'center must be \(7,\)'),
        (((3, 4, 7), (2, 4, 7), (7,), (3,)), r'pids must be \(4,\)'),
    ],
)
def test_shapes_that_do_not_fit(shapes, message):
    *logits, pids = [torch.zeros(shape) for shape in shapes]
    with pytest.raises(UserError, match=message):
        identity_distill_loss(*logits, pids.long())
