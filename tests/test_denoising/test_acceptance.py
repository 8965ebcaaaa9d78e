"""What the shipped config finds where the truth is known."""

from pathlib import Path

import pytest
from mmengine.config import Config

import mmcion
from mmcion.evaluation import identity_metrics
from mmcion.structures import IdentityLabels
from mmcion.testing import NoiseModel

from .planted import assert_valid, doubled_in_a_frame, plant

CONFIG = Config.fromfile(
    Path(__file__).parents[2] / 'configs/denoise/three-levels_auto.py'
)
CONFIG.self_check = None  # it would denoise five times more


def metrics(pid, labels):
    found = identity_metrics(pid, labels.identity)
    return found['pairwise_precision'], found['pairwise_recall']


def assert_noise_falls(labels):
    """Check CION's two criteria level by level."""
    levels = [level['noise'] for level in labels.report['levels'][1:]]
    for noise in levels:
        assert noise['after']['intra'] <= noise['before']['intra']
        assert noise['after']['inter'] < noise['before']['inter']
    assert levels[0]['after']['intra'] < levels[0]['before']['intra']
    assert levels[-1]['after']['intra'] == 0


@pytest.mark.parametrize('seed', range(5))
def test_identities_of_the_noise_model_are_found(seed):
    made = NoiseModel().simulate(seed)
    raw = IdentityLabels.from_tracklets(made.table)

    labels = mmcion.denoise(made.table, made.features, CONFIG)

    precision, recall = metrics(made.pid, labels)
    assert metrics(made.pid, raw)[0] < 0.96
    assert metrics(made.pid, raw)[1] < 0.5
    assert precision >= 0.99
    assert recall >= 0.97
    assert labels.keep.mean() > 0.85
    assert_noise_falls(labels)
    assert_valid(made.table, raw, labels)
    assert not doubled_in_a_frame(made.table, labels.identity)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize(
    ('harder', 'least'),
    [
        ({'drift': 0.6}, 0.99),
        ({'look_dim': 32}, 0.99),
        ({'image_noise': 0.7}, 0.99),
        ({'image_noise': 1.0}, 0.97),
    ],
)
def test_harder_data_costs_little_precision(harder, least, seed):
    made = NoiseModel(**harder).simulate(seed)
    labels = mmcion.denoise(made.table, made.features, CONFIG)
    precision, recall = metrics(made.pid, labels)
    assert precision >= least
    assert recall >= 0.9


@pytest.mark.parametrize('seed', range(3))
def test_planted_identities_are_found(seed):
    case = plant(seed)
    raw = IdentityLabels.from_tracklets(case.table)

    labels = mmcion.denoise(case.table, case.features, CONFIG)

    precision, recall = metrics(case.pid, labels)
    assert metrics(case.pid, raw)[1] < 0.2
    assert precision > 0.98
    assert recall > 0.95
    assert labels.keep.mean() > 0.8
    rates = [level['noise'] for level in labels.report['levels'][1:]]
    for rate in rates:
        assert rate['after']['intra'] <= rate['before']['intra']
        assert rate['after']['inter'] <= rate['before']['inter']
    assert rates[0]['before']['intra'] > 0 == rates[-1]['after']['intra']
    assert rates[-1]['after']['inter'] < rates[0]['before']['inter'] / 1.5
    assert_valid(case.table, raw, labels)
    assert not doubled_in_a_frame(case.table, labels.identity)
