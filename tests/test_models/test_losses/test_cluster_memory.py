import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models.losses import ClusterMemory, updated_centers
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.golden import golden_tensor, read_golden

RULES = ('hard', 'sequential', 'mean')


@pytest.fixture(scope='module')
def case():
    golden = read_golden('cluster_contrast')['cluster_memory']
    x, memory = (
        golden_tensor(entry['key'], entry['shape'])
        for entry in golden['inputs'].values()
    )
    memory = memory / memory.square().sum(-1, keepdim=True).sqrt()
    labels = torch.tensor(golden['params']['labels'])
    outputs = {
        name: torch.tensor(value, dtype=torch.float64)
        for name, value in golden['outputs'].items()
    }
    return x, memory, labels, outputs


def make_memory(centers, momentum, rule):
    memory = ClusterMemory(0.05, momentum, rule).double()
    memory.reset(centers)
    return memory


@pytest.mark.parametrize('momentum', [0.2, 0.1])
@pytest.mark.parametrize('rule', RULES)
def test_golden_loss_gradient_and_memory(case, rule, momentum):
    x, centers, labels, expected = case
    x = x.clone().requires_grad_()
    memory = make_memory(centers, momentum, rule)
    loss = memory(x / x.square().sum(1, keepdim=True).sqrt(), labels)
    close = {'rtol': 1e-9, 'atol': 1e-12}
    torch.testing.assert_close(loss, expected['loss'], **close)
    # the centres move before the optimizer's step, and the backward pass
    # still finds the old ones
    moved = expected[f'{rule}_momentum_{momentum}']
    torch.testing.assert_close(memory.centers, moved, **close)
    loss.backward()
    torch.testing.assert_close(x.grad, expected['grad_x'], **close)


def loop(centers, feats, labels, momentum, rule):
    """The rule row by row, as in the published code."""
    centers = [row.clone() for row in centers]
    start = [row.clone() for row in centers]
    for label in set(labels.tolist()):
        rows = [f for f, y in zip(feats, labels, strict=True) if y == label]
        if rule == 'hard':
            rows = [min(rows, key=lambda f: float(f @ start[label]))]
        if rule == 'mean':
            rows = [sum(rows) / len(rows)]
        for row in rows:
            mixed = momentum * centers[label] + (1 - momentum) * row
            centers[label] = mixed / mixed.norm()
    return torch.stack(centers)


@pytest.mark.parametrize('rule', RULES)
def test_update_equals_a_loop(rule):
    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        centers = normalize(torch.randn(6, 4, generator=rng).double())
        feats = normalize(torch.randn(16, 4, generator=rng).double())
        labels = torch.randint(6, (16,), generator=rng)
        before = centers.clone()
        found = updated_centers(centers, feats, labels, 0.3, rule)
        expected = loop(centers, feats, labels, 0.3, rule)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
        assert torch.equal(centers, before)


def test_evaluation_moves_nothing(case):
    x, centers, labels, _ = case
    memory = make_memory(centers, 0.2, 'hard').eval()
    memory(normalize(x), labels)
    assert torch.equal(memory.centers, normalize(centers))


def test_centres_are_no_weights(case):
    memory = make_memory(case[1], 0.2, 'hard')
    assert not memory.state_dict()
    assert not list(memory.parameters())


def step_on_rank(x, centers, labels, rule, num_ranks):
    rank = torch.distributed.get_rank()
    memory = make_memory(centers, 0.2, rule)
    own = slice(rank, None, num_ranks)
    memory(normalize(x[own]), labels[own])
    return memory.centers


@pytest.mark.parametrize('rule', RULES)
def test_ranks_hold_the_memory_of_one_process(case, rule):
    x, centers, labels, _ = case
    # clusters are not spread over ranks
    labels = torch.tensor([0, 1, 0, 1, 2, 3, 2, 3])
    whole = make_memory(centers, 0.2, rule)
    whole(normalize(x), labels)
    found = run_on_ranks(step_on_rank, x, centers, labels, rule, 2)
    assert torch.equal(*found)
    torch.testing.assert_close(found[0], whole.centers)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'temperature': 0}, 'temperature.*0'),
        ({'momentum': 1.5}, r'momentum.*1\.5'),
        ({'rule': 'first'}, "'first'"),
    ],
)
def test_bad_options_are_named(options, named):
    with pytest.raises(UserError, match=named):
        ClusterMemory(**options)
