import pytest
import torch
from mmengine import MessageHub

from mmcion.models import SelfDistillHead, identity_distill_loss
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.golden import golden_logits, golden_tensor, read_golden

PIDS = torch.arange(24) // 4


@pytest.fixture
def epoch(request):
    """Set the epoch that a runner would announce."""
    hub = MessageHub.get_instance(request.node.name)
    return lambda number: hub.update_info('epoch', number)


def make_head(center, **options):
    head = SelfDistillHead(center.numel(), **options).to(center.dtype)
    head.center.copy_(center)
    return head


def test_center_starts_at_zero_and_is_saved():
    head = SelfDistillHead(5)
    assert head.state_dict()['center'].tolist() == [0] * 5
    assert not list(head.parameters())


@pytest.mark.parametrize('case', read_golden('loss'), ids=lambda c: c['K'])
def test_center_equals_golden_figures(case):
    student, teacher, center = golden_logits(case['ncrops'])
    head = make_head(center)
    head.loss(student, teacher, torch.arange(case['B']) // case['K'])
    got = [float(head.center[0]), float(head.center.sum())]
    expected = [case['center0'], case['center_sum']]
    assert got == pytest.approx(expected, abs=1e-9, rel=0)


def test_center_by_hand():
    head = make_head(torch.tensor([1.0, 2.0]), center_momentum=0.75)
    teacher = torch.tensor([[[1.0, 0.0], [3.0, 0.0]], [[0.0, 4.0]] * 2])
    head.update_center(teacher)
    # means over two views of two images: (1, 2); a quarter of it counts
    assert head.center.tolist() == [0.75 * 1 + 0.25, 0.75 * 2 + 0.25 * 2]


def test_center_waits_for_the_last_batch_of_a_step():
    student, teacher, center = golden_logits(4)
    whole, head = make_head(center), make_head(center)
    whole.loss(student, teacher, PIDS)
    for rows, is_last in ((slice(8), False), (slice(8, 24), True)):
        assert torch.equal(head.center, center)
        head.moves_center = is_last
        head.loss(student[:, rows], teacher[:, rows], PIDS[rows])
    torch.testing.assert_close(head.center, whole.center)
    assert not head.center_sum.any()


def test_loss_uses_the_center_from_before_its_update(epoch):
    epoch(0)
    student, teacher, center = golden_logits(4)
    head = make_head(center)
    losses = [head.loss(student, teacher, PIDS)['loss'] for _ in range(2)]
    moved = make_head(center)
    moved.update_center(teacher)
    expected = [
        identity_distill_loss(student, teacher, c, PIDS)
        for c in (center, moved.center)
    ]
    assert losses == expected
    assert losses[0] != losses[1]


def test_center_of_bf16_logits_stays_float32():
    student, teacher, center = golden_logits(2)
    head = make_head(center.float())
    head.loss(student.bfloat16(), teacher.bfloat16(), PIDS)
    exact = make_head(center)
    exact.update_center(teacher.bfloat16().double())
    assert head.center.dtype == torch.float32
    torch.testing.assert_close(
        head.center.double(), exact.center, rtol=1e-6, atol=1e-6
    )


def update_on_rank(teacher):
    """Rank r takes every second image."""
    import torch.distributed as dist

    head = SelfDistillHead(teacher.shape[-1]).double()
    head.update_center(teacher[:, dist.get_rank() :: 2])
    return head.center


def test_center_of_two_ranks_equals_that_of_one_process():
    # 23 images, so that one rank has more of them than the other
    teacher = golden_logits(2)[1][:, :23]
    expected = SelfDistillHead(teacher.shape[-1]).double()
    expected.update_center(teacher)
    for center in run_on_ranks(update_on_rank, teacher):
        torch.testing.assert_close(center, expected.center)


@pytest.mark.parametrize(
    ('number', 'expected'),
    [(0, 0.04), (1, 0.05), (3, 0.07), (4, 0.07), (50, 0.07)],
)
def test_teacher_temperature_rises_linearly(epoch, number, expected):
    head = SelfDistillHead(
        3,
        teacher_temp=0.07,
        warmup_teacher_temp=0.04,
        warmup_teacher_temp_epochs=4,
    )
    epoch(number)
    assert head.current_teacher_temp() == pytest.approx(expected)


def test_loss_follows_the_temperature(epoch):
    student, teacher, center = golden_logits(3)
    head = make_head(
        center,
        teacher_temp=0.07,
        warmup_teacher_temp=0.05,
        warmup_teacher_temp_epochs=2,
    )
    epoch(0)
    expected = identity_distill_loss(
        student, teacher, center, PIDS, teacher_temp=0.05
    )
    assert head.loss(student, teacher, PIDS)['loss'] == expected


def test_no_warm_up_unless_asked(epoch):
    epoch(0)
    assert SelfDistillHead(3).current_teacher_temp() == 0.04


@pytest.mark.parametrize('name', ['student_temp', 'teacher_temp'])
def test_temperatures_must_be_positive(name):
    with pytest.raises(UserError, match=f'{name}.* 0'):
        SelfDistillHead(3, **{name: 0})


@pytest.mark.parametrize('chunk_size', [5, 32])
def test_chunks_give_the_same_loss_and_center(epoch, chunk_size):
    epoch(0)
    _, teacher, center = golden_logits(4)
    feats = golden_tensor('feats', (4, 24, 6))
    prototypes = golden_tensor('prototypes', (32, 6))
    whole = make_head(center)
    tiled = make_head(center, chunk_size=chunk_size)
    expected = whole.loss(feats @ prototypes.T, teacher, PIDS)['loss']
    loss = tiled.loss(feats, teacher, PIDS, prototypes)['loss']
    torch.testing.assert_close(loss, expected)
    assert torch.equal(tiled.center, whole.center)


def test_chunks_must_hold_something():
    with pytest.raises(UserError, match=r'chunk_size.* 0'):
        SelfDistillHead(3, chunk_size=0)
