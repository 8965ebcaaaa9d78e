import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models.losses import correct_labels, moved_prototypes
from tests.golden import golden_inputs, read_golden

CASE = read_golden('pretraining')['pnl_step']


def tensor(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.fixture
def step():
    """Queries, class logits, prototypes and labels of the golden case."""
    x, params = golden_inputs(CASE), CASE['params']
    queries = normalize(x['prototypes'][params['near']] + x['q_noise'])
    hot = torch.eye(5, dtype=torch.float64)[params['near']]
    class_logits = x['class_noise'] + tensor(params['sure'])[:, None] * hot
    prototypes = x['prototypes'].clone()
    prototypes[4] = 0
    return queries, class_logits, prototypes, torch.tensor(params['labels'])


def test_golden_labels(step):
    queries, class_logits, prototypes, labels = step
    prototype_logits = queries @ prototypes.T / 0.07
    for threshold, name in (
        (0.8, 'labels_after'),
        (CASE['params']['low_threshold'], 'labels_after_at_low'),
    ):
        found = correct_labels(
            class_logits, prototype_logits, labels, 0.5, threshold
        )
        assert found.tolist() == CASE['outputs'][name]


def test_golden_prototypes(step):
    queries, _, prototypes, _ = step
    labels = torch.tensor(CASE['outputs']['labels_after'])
    moved = moved_prototypes(prototypes, queries, labels, 0.999)
    expected = tensor(CASE['outputs']['prototypes_after'])
    torch.testing.assert_close(moved, expected)


@pytest.mark.parametrize('momentum', [0.0, 0.5, 0.999])
def test_duplicates_equal_the_loop_of_the_public_code(momentum):
    rng = torch.Generator().manual_seed(0)
    prototypes = normalize(torch.randn(6, 4, generator=rng).double())
    prototypes[[2, 5]] = 0  # the last one stays
    feats = normalize(torch.randn(20, 4, generator=rng).double())
    labels = torch.randint(5, (20,), generator=rng)
    expected = prototypes.clone()
    for feat, label in zip(feats, labels.tolist(), strict=True):
        expected[label] = momentum * expected[label] + (1 - momentum) * feat
    before = prototypes.clone()
    moved = moved_prototypes(prototypes, feats, labels, momentum)
    torch.testing.assert_close(moved, normalize(expected))
    torch.testing.assert_close(prototypes, before, rtol=0, atol=0)


def test_first_feature_becomes_the_prototype():
    feat = normalize(torch.randn(1, 4))
    moved = moved_prototypes(torch.zeros(3, 4), feat, torch.tensor([1]))
    torch.testing.assert_close(moved[1], feat[0])
    assert not moved[[0, 2]].any()
