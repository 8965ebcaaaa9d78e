import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models.utils import FeatureQueue
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.golden import golden_inputs, read_golden


def golden_queue(dtype=torch.float64):
    case = read_golden('pretraining')['moco_step']
    inputs, params = golden_inputs(case), case['params']
    queue = FeatureQueue(params['K'], 3).to(dtype)
    queue.feats = inputs['queue'].to(dtype)
    queue.pointer.fill_(params['pointer'])
    expected = torch.tensor(case['outputs']['queue_after']).to(dtype)
    return queue, inputs['k'].to(dtype), expected, case['outputs']


def test_golden_queue_wraps_round():
    queue, keys, expected, outputs = golden_queue()
    queue.enqueue(keys)
    torch.testing.assert_close(queue.feats, expected)
    assert queue.pointer == outputs['pointer_after']
    assert queue.pids.tolist() == [-1] * 7


def enqueue_on_rank():
    queue, keys, *_ = golden_queue()
    rank = torch.distributed.get_rank()
    rows = slice(2 * rank, 2 * rank + 2)
    queue.enqueue(keys[rows], torch.arange(4)[rows])
    return queue.state_dict()


def test_ranks_follow_each_other():
    first, second = run_on_ranks(enqueue_on_rank)
    expected = golden_queue()[2]
    for state in (first, second):
        torch.testing.assert_close(state['feats'], expected)
        assert state['pids'].tolist() == [2, 3, -1, -1, -1, 0, 1]
        assert state['pointer'] == 2


@pytest.mark.parametrize('batch', [1, 3, 5, 7, 12, 23])
def test_queue_holds_the_latest_rows_of_any_batch(batch):
    size = 5
    queue = FeatureQueue(size, 2)
    seen = list(zip(queue.feats.tolist(), [-1] * size, strict=True))
    for step in range(4):
        feats = normalize(torch.randn(batch, 2))
        pids = torch.arange(batch) + 100 * step
        queue.enqueue(feats, pids)
        seen += zip(feats.tolist(), pids.tolist(), strict=True)
        found = zip(queue.feats.tolist(), queue.pids.tolist(), strict=True)
        assert sorted(found) == sorted(seen[-size:])
        # the oldest one is next
        oldest = queue.feats[queue.pointer].tolist()
        assert oldest == seen[-size][0]


def test_backward_pass_finds_the_queue_of_the_loss():
    queue = FeatureQueue(4, 3)
    before = queue.feats.clone()
    query = torch.randn(2, 3, requires_grad=True)
    total = (query @ queue.feats.T).sum()
    queue.enqueue(normalize(torch.randn(2, 3)))
    total.backward()
    torch.testing.assert_close(query.grad[0], before.sum(0))


def test_starts_with_unit_vectors_and_is_saved():
    queue = FeatureQueue(6, 3)
    torch.testing.assert_close(queue.feats.norm(dim=1), torch.ones(6))
    assert set(queue.state_dict()) == {'feats', 'pids', 'pointer'}
    assert len(queue) == 6
    with pytest.raises(UserError, match='size .* got 0'):
        FeatureQueue(0, 3)
