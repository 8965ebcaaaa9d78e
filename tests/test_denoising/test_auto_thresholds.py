import re
from typing import ClassVar

import numpy as np
import pytest

from mmcion.denoising import BaseDenoiser, DenoisePipeline, calibrate
from mmcion.registry import DENOISERS
from mmcion.structures import FeatureStore, IdentityLabels
from mmcion.utils.checks import UserError

from .planted import plant


@DENOISERS.register_module()
class NearDenoiser(BaseDenoiser):
    """A user's own level with a threshold of its own."""

    calibrated: ClassVar = {'near': 'noise_delta'}

    def __init__(self, near=None, margin=None):
        self.near = near

    def __call__(self, table, features, labels, seed=0):
        return IdentityLabels(labels.identity, {'near': self.near})


@pytest.fixture(scope='module')
def case():
    return plant(0, identities=5, pieces=2, length=8)


def test_auto_becomes_the_calibrated_value_or_a_multiple(case):
    found = calibrate(case.table, case.features, tracklet_noise=0.2)
    pipeline = DenoisePipeline(
        [
            {'type': 'SingleTrackletDenoiser', 'sigma': 'auto'},
            {
                'type': 'CrossVideoDenoiser',
                'delta': 'auto',
                'max_spread': {'auto': 1.2},
                'sigma': {'auto': 1e9},
            },
        ],
        {'tracklet_noise': 0.2},
    )

    report = pipeline.run(case.table, case.features).report

    first, second = report['stages']
    assert first['sigma'] == found.sigma
    assert second['delta'] == 'auto'  # the level calibrates it itself
    assert 0 < report['calibration']['link_delta'] < 2
    assert second['max_spread'] == pytest.approx(1.2 * found.sigma)
    assert second['sigma'] == 2
    assert report['calibration']['tracklet_noise'] == 0.2
    assert report['calibration']['num_pairs'] == found.num_pairs
    assert report['calibration']['noise_delta'] == found.noise_delta
    assert pipeline.stages[0]['sigma'] == 'auto'


def test_levels_say_which_calibrated_value_an_argument_gets(case):
    found = calibrate(case.table, case.features)
    report = (
        DenoisePipeline(
            [
                {
                    'type': 'SingleVideoDenoiser',
                    'sigma': {'auto': 0.9},
                    'delta': {'auto': 0.5},
                },
                {'type': 'NearDenoiser', 'near': {'auto': 0.5}},
            ]
        )
        .run(case.table, case.features)
        .report
    )
    first, second = report['stages']
    assert first['sigma'] == pytest.approx(0.9 * found.sigma)
    assert first['delta'] == pytest.approx(0.5 * found.delta)
    assert second['near'] == pytest.approx(0.5 * found.noise_delta)
    assert report['levels'][2]['near'] == second['near']


def test_arguments_that_cannot_be_auto_are_refused(case):
    stage = {'type': 'NearDenoiser', 'margin': 'auto'}
    with pytest.raises(
        UserError, match="NearDenoiser must be one of 'near'; got 'margin'"
    ):
        DenoisePipeline([stage]).run(case.table, case.features)


@pytest.mark.parametrize('multiple', [0, -1.2, None, '1.2', float('nan')])
def test_multiples_must_be_positive(case, multiple):
    stage = {'type': 'SingleTrackletDenoiser', 'sigma': {'auto': multiple}}
    with pytest.raises(UserError, match=re.escape(repr(multiple))):
        DenoisePipeline([stage]).run(case.table, case.features)


def test_calibration_without_evidence_is_refused(case):
    alike = FeatureStore(np.ones((len(case.table), 4)))
    stage = {'type': 'SingleVideoDenoiser', 'sigma': 0.3, 'delta': 'auto'}
    with pytest.raises(UserError, match=r'do not differ \(delta would be'):
        DenoisePipeline([stage]).run(case.table, alike)


def test_tracklets_without_noise_are_kept(case):
    exact = FeatureStore(np.eye(99)[case.table.tracklet_id])
    stage = {'type': 'SingleTrackletDenoiser', 'sigma': 'auto'}
    labels = DenoisePipeline([stage]).run(case.table, exact)
    assert np.array_equal(labels.identity, case.table.tracklet_index)
