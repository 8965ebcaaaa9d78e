import itertools
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from scipy.stats import norm

import mmcion
from mmcion.denoising import calibrate_links
from mmcion.denoising.functional import DISTANCE_EDGES
from mmcion.evaluation import identity_metrics
from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.testing import NoiseModel
from mmcion.utils.checks import UserError

from .planted import centroid, plant, random_case, store

CONFIG = Path(__file__).parents[2] / 'configs/denoise/three-levels_auto.py'
BIN = DISTANCE_EDGES[1]


@pytest.fixture
def shipped():
    """Denoise by the first levels of the shipped config."""

    def run(made, levels):
        cfg = Config.fromfile(CONFIG)
        cfg.pipeline = cfg.pipeline[:levels]
        cfg.self_check = None
        return mmcion.denoise(made.table, made.features, cfg)

    return run


def plain_deltas(table, features, identity, rate):
    """Do what ``calibrate_links`` is defined to do, on exact distances.

    Returns the largest distance by each of the two estimates.
    """
    feats = features[:].astype(np.float64)
    ids = np.unique(identity[identity >= 0])
    rows = [np.flatnonzero(identity == k) for k in ids]
    centers = [centroid(feats[r]) for r in rows]
    frames = [{(table.video_id[i], table.frame[i]) for i in r} for r in rows]
    within, cross = [], []
    for a, b in itertools.combinations(range(len(ids)), 2):
        distance = 1 - centers[a] @ centers[b]
        if frames[a] & frames[b]:
            within.append(distance)
        if table.video_id[rows[a][0]] != table.video_id[rows[b][0]]:
            cross.append(distance)
    cross = np.sort(cross)
    median, low = np.median(within), np.quantile(within, 0.05)
    deviation = (median - low) / 1.6448536269514722
    tails = {'within': norm(min(median, np.quantile(cross, 0.6)), deviation)}
    fractions = np.linspace(0.01, 0.1, 19)
    slope, mean = np.polyfit(
        norm.ppf(fractions), np.quantile(cross, fractions), 1
    )
    tails['cross'] = norm(mean, slope)
    nearer = np.arange(1, len(cross) + 1)
    result = {}
    for name, tail in tails.items():
        holds = tail.cdf(cross) * len(cross) / nearer <= rate
        holds &= nearer <= len(cross) / 2
        result[name] = cross[holds].max() if holds.any() else None
    return result


@pytest.mark.parametrize('rate', [0.1, 0.4])
@pytest.mark.parametrize('change', [{}, {'drift': 1.0}, {'look_dim': 16}])
def test_delta_is_the_largest_distance_with_the_stated_rate(change, rate):
    made = NoiseModel(videos=8, **change).simulate(1)
    labels = IdentityLabels.from_tracklets(made.table)
    plain = plain_deltas(made.table, made.features, labels.identity, rate)

    found = calibrate_links(
        made.table, made.features, labels, false_discovery_rate=rate
    )

    expected = max(
        (delta for delta in plain.values() if delta is not None), default=None
    )
    if expected is None:
        assert found.link_delta is None
    else:
        # distances count up to the edge of their bin
        assert found.link_delta == pytest.approx(expected, abs=20 * BIN)
    assert not found.is_sample
    assert len(found.distance) == len(found.within) == len(found.cross)
    assert found.links == sorted(found.links)


@pytest.mark.parametrize('change', [{}, {'look_dim': 8}, {'camera_shift': 1}])
def test_strangers_only_are_hardly_linked(change, shipped):
    links = []
    for seed in range(4):
        made = NoiseModel(videos=8, videos_per_person=1, **change)
        report = shipped(made.simulate(seed), 3).report
        links.append(report['levels'][-1]['links'])
    # chance may bring some of the 4,000 pairs of a collection near enough
    assert sum(links) <= 12
    assert sorted(links)[1] <= 1


def test_one_video_has_no_links():
    made = NoiseModel(videos=1).simulate(0)
    labels = IdentityLabels.from_tracklets(made.table)
    found = calibrate_links(made.table, made.features, labels)
    assert found.link_delta is None
    assert found.num_compared == 0
    assert found.distance == found.within == found.cross == []


def test_equal_features_are_not_linked():
    case = plant(0)
    features = FeatureStore(np.ones((len(case.table), 4)))
    labels = IdentityLabels.from_tracklets(case.table)
    found = calibrate_links(case.table, features, labels)
    assert found.link_delta is None


def test_estimates_without_evidence_are_left_out():
    table = TrackletTable.from_columns(
        video_id=[0, 0, 1], tracklet_id=[0, 1, 0], frame=[0, 0, 0]
    )
    features, labels = store(np.eye(3)), IdentityLabels(np.arange(3))
    found = calibrate_links(table, features, labels)
    assert (found.within, found.cross) == ([], [])
    assert found.link_delta is None
    assert found.num_cooccurring == 1
    assert calibrate_links(table, features, labels, min_pairs=1).within


def test_unassigned_rows_and_empty_labels():
    table, features, _ = random_case(0)
    nothing = IdentityLabels(np.full(len(table), -1))
    assert calibrate_links(table, features, nothing).link_delta is None


@pytest.mark.parametrize('rate', [0, 1, -0.1, float('nan')])
def test_rate_outside_its_range(rate):
    table, features, _ = random_case(0)
    with pytest.raises(UserError, match=f'false_discovery_rate .*{rate}'):
        calibrate_links(
            table,
            features,
            IdentityLabels.from_tracklets(table),
            false_discovery_rate=rate,
        )


@pytest.mark.parametrize('seed', range(2))
@pytest.mark.parametrize(
    'change',
    [
        {'drift': 1.2},
        {'drift': 1.7},
        {'drift': 2.5},
        {'look_dim': 8},
        {'look_dim': 8, 'drift': 1.0},
        {'camera_shift': 1.0, 'drift': 1.0},
    ],
)
def test_level_3_never_makes_identities_worse(change, seed, shipped):
    made = NoiseModel(**change).simulate(seed)
    before, after = (
        identity_metrics(made.pid, shipped(made, levels).identity)
        for levels in (2, 3)
    )
    assert after['pairwise_f1'] >= before['pairwise_f1'] - 0.01
    least = (1 - 0.4) * before['pairwise_precision']
    assert after['pairwise_precision'] >= least
