import math

import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models.losses import stripe_contrast_loss
from tests.golden import golden_inputs, read_golden

CASE = read_golden('up_reid')['cases']['stripe_contrast']
TEMPERATURE = CASE['params']['temperature']


def golden_stripes():
    inputs = golden_inputs(CASE)
    return [inputs[name] for name in 'abc']


def random_stripes(num_views=2, seed=0):
    rng = torch.Generator().manual_seed(seed)
    shape = (1 + num_views, 3, 4, 5)
    stripes = torch.randn(shape, generator=rng, dtype=torch.float64)
    queries, *keys = normalize(stripes, dim=-1)
    visible = torch.rand(shape[:-1], generator=rng) < 0.6
    return queries, torch.stack(keys), visible[0], visible[1:]


@pytest.mark.parametrize(
    ('keys', 'topk_neg', 'name'),
    [
        ('b', 1, 'hard_key_only'),
        ('bc', 1, 'hard_key_and_original'),
        ('b', None, 'full_key_only'),
        ('bc', None, 'full_mean_of_key_and_original'),
    ],
)
def test_golden(keys, topk_neg, name):
    queries, *others = golden_stripes()
    keys = torch.stack(others[: len(keys)])
    loss = stripe_contrast_loss(queries, keys, TEMPERATURE, topk_neg)
    assert loss.item() == pytest.approx(CASE['outputs'][name], rel=1e-12)


@pytest.mark.parametrize('num_views', [1, 2])
@pytest.mark.parametrize('topk_neg', [None, 1, 3])
def test_collapsed_stripes(num_views, topk_neg):
    queries = normalize(torch.ones(2, 4, 5, dtype=torch.float64), dim=-1)
    keys = queries.expand(num_views, -1, -1, -1)
    loss = stripe_contrast_loss(queries, keys, 0.1, topk_neg).item()
    # log S without mining, log 2 with the hardest negative
    assert loss == pytest.approx(math.log(1 + (topk_neg or 3)), rel=1e-12)
    for name in ('full', 'hard') if topk_neg in (None, 1) else ():
        expected = CASE['outputs'][f'collapsed_{name}']
        assert (loss == pytest.approx(expected)) == (
            (name == 'full') == (topk_neg is None)
        )


@pytest.mark.parametrize('topk_neg', [None, 1, 2])
def test_orthogonal_stripes_are_near_the_minimum(topk_neg):
    queries = torch.eye(4).expand(2, -1, -1)
    loss = stripe_contrast_loss(queries, queries[None], 0.1, topk_neg)
    assert loss < 3e-4


def brute_force(queries, keys, topk_neg, query_visible, key_visible):
    """One stripe at a time."""
    losses = []
    for b, s in query_visible.nonzero().tolist():
        sims = {
            (m, t): (queries[b, s] @ keys[m, b, t]).item() / TEMPERATURE
            for m, t in key_visible[:, b].nonzero().tolist()
        }
        views = {m for m, _ in sims}
        if topk_neg is None:
            groups = [[m] for m in sorted(views)]
        else:
            groups = [sorted(views)]
        for group in groups:
            positives = [
                v for (m, t), v in sims.items() if t == s and m in group
            ]
            negatives = [
                v for (m, t), v in sims.items() if t != s and m in group
            ]
            if positives and negatives:
                hard = sorted(negatives)[::-1][:topk_neg]
                total = sum(math.exp(n - min(positives)) for n in hard)
                losses.append(math.log1p(total))
    return sum(losses) / max(len(losses), 1)


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('topk_neg', [None, 1, 2, 9])
def test_stripes_that_are_out_of_sight(seed, topk_neg):
    args = random_stripes(seed=seed)
    loss = stripe_contrast_loss(*args[:2], TEMPERATURE, topk_neg, *args[2:])
    expected = brute_force(*args[:2], topk_neg, *args[2:])
    assert loss.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize('topk_neg', [None, 1, 2])
def test_gradient(topk_neg):
    queries, keys, *visible = random_stripes()
    assert torch.autograd.gradcheck(
        lambda x: stripe_contrast_loss(
            x, keys, TEMPERATURE, topk_neg, *visible
        ),
        queries.requires_grad_(),
    )


@pytest.mark.parametrize('topk_neg', [None, 1])
def test_nothing_in_sight(topk_neg):
    queries, keys, _, visible = random_stripes()
    queries.requires_grad_()
    loss = stripe_contrast_loss(
        queries, keys, 0.1, topk_neg, key_visible=torch.zeros_like(visible)
    )
    loss.backward()
    assert loss == 0
    assert not queries.grad.any()  # and no NaN


def test_autocast_computes_in_full_precision():
    queries, keys, *_ = random_stripes()
    queries, keys = queries.float(), keys.float()
    expected = stripe_contrast_loss(queries, keys, 0.1)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(stripe_contrast_loss(queries, keys, 0.1), expected)
