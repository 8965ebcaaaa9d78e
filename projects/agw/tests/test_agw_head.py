import pytest
import torch
from torch.nn.functional import cross_entropy

from mmcion.models import GeneralizedMeanPooling, weighted_triplet_loss
from tests.golden import golden_inputs, read_golden

from ..agw import AGWHead


def test_losses_are_on_the_features_that_the_paper_names():
    head = AGWHead(
        3,
        4,
        label_smoothing=0.1,
        triplet={'type': 'WeightedTripletLoss'},
        center={'type': 'CenterLoss'},
    )
    before, after = torch.randn(2, 6, 4)
    pids = torch.tensor([0, 0, 1, 1, 2, 2])
    centers = head.center.centers.clone()
    losses = head.loss(before, after, pids.tolist())
    assert losses['loss_triplet'] == weighted_triplet_loss(before, pids)
    gap = (before - centers[pids]).square().sum(1).mean().item()
    assert losses['loss_center'].item() == pytest.approx(5e-4 * gap, rel=1e-5)
    logits = head.classifier(after)
    expected = cross_entropy(logits, pids, label_smoothing=0.1)
    assert losses['loss_id'].item() == pytest.approx(expected.item())
    assert 'loss_center' not in AGWHead(3, 4).loss(before, after, [0] * 6)


def test_golden_pooling_of_the_cross_modal_code():
    case = read_golden('agw')['cases']['gem_cross_modal_agw']
    pool = GeneralizedMeanPooling(trainable=False, eps=1e-12, eps_in_mean=True)
    expected = torch.tensor(case['outputs']['pooled'], dtype=torch.float64)
    pooled = pool(golden_inputs(case)['map'])
    torch.testing.assert_close(pooled, expected, rtol=1e-12, atol=0)
