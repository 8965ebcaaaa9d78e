import numpy as np
import pytest
import torch

from mmcion.evaluation import alpha_query_expansion
from mmcion.utils.checks import UserError


def unit(feats):
    return feats / np.linalg.norm(feats, axis=-1, keepdims=True)


def brute_force(qf, gf, k, weight_of):
    """One query at a time, by a full sort."""
    expanded = []
    for query in unit(qf):
        cosines = unit(gf) @ query
        nearest = np.argsort(-cosines)[:k]
        added = [weight_of(cosines[g]) * unit(gf)[g] for g in nearest]
        expanded.append(unit(query + np.sum(added, axis=0)))
    return np.array(expanded)


def feats(seed):
    rng = np.random.default_rng(seed)
    return 3 * rng.standard_normal((300, 6)), rng.standard_normal((40, 6))


@pytest.mark.parametrize('k', [1, 5, 40])
def test_average_equals_brute_force(k):
    qf, gf = feats(0)
    expected = brute_force(qf, gf, k, lambda cosine: 1)
    found = alpha_query_expansion(qf, gf, k, alpha=0)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize('k', [1, 5, 40])
@pytest.mark.parametrize('alpha', [0.5, 3])
def test_alpha_equals_brute_force(k, alpha):
    qf, gf = feats(1)
    expected = brute_force(qf, gf, k, lambda cos: max(cos, 0) ** alpha)
    found = alpha_query_expansion(qf, gf, k, alpha)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_nothing_to_add():
    qf, gf = feats(3)
    found = alpha_query_expansion(qf, gf[:0], 5)
    np.testing.assert_allclose(found, unit(qf), atol=1e-12)
    with pytest.raises(UserError, match='k .* got 0'):
        alpha_query_expansion(qf, gf, 0)


def test_arguments_stay_as_they_are():
    qf, gf = (torch.from_numpy(f).float() for f in feats(4))
    before = qf.clone()
    found = alpha_query_expansion(qf, gf, 3)
    assert found.dtype == np.float32
    assert torch.equal(qf, before)


@pytest.mark.parametrize(
    ('k', 'alpha', 'named'),
    [
        (-1, 3, 'k .*-1'),
        (3, -0.5, 'alpha .*-0.5'),
        (3, float('nan'), 'alpha .*nan'),
    ],
)
def test_bad_arguments_are_named(k, alpha, named):
    with pytest.raises(UserError, match=named):
        alpha_query_expansion(*feats(5), k, alpha)
