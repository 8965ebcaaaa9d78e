import math

import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models.losses import consistency_loss


def unit(*shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return normalize(
        torch.randn(shape, generator=rng, dtype=torch.float64), dim=-1
    )


def softmax(scores):
    total = sum(map(math.exp, scores))
    return [math.exp(score) / total for score in scores]


def test_divergence_of_the_similarities():
    queries, originals, queue = unit(3, 4), unit(3, 4, seed=1), unit(5, 4)
    found = consistency_loss(queries, originals, queue, 0.2, 0.07)
    expected = 0
    for q, original in zip(queries, originals, strict=True):
        p0 = softmax([float(original @ other) / 0.07 for other in queue])
        p1 = softmax([float(q @ other) / 0.2 for other in queue])
        expected += sum(
            a * math.log(a / b) for a, b in zip(p0, p1, strict=True)
        )
    assert found.item() == pytest.approx(expected / 3, rel=1e-9)


def test_cosine():
    queries, originals = unit(3, 4), unit(3, 4, seed=1)
    found = consistency_loss(queries, originals).item()
    angles = [float(q @ o) for q, o in zip(queries, originals, strict=True)]
    assert found == pytest.approx(1 - sum(angles) / 3)


@pytest.mark.parametrize('references', [None, unit(5, 4, seed=2)])
def test_the_same_features_are_consistent(references):
    queries = unit(3, 4).requires_grad_()
    loss = consistency_loss(queries, queries, references)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    # only the student learns
    found = consistency_loss(queries, originals := unit(3, 4, seed=1))
    found.backward()
    assert queries.grad.any() and not originals.requires_grad


def test_autocast_computes_in_full_precision():
    args = [unit(3, 4).float(), unit(3, 4, seed=1).float(), unit(5, 4).float()]
    expected = consistency_loss(*args)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(consistency_loss(*args), expected)
