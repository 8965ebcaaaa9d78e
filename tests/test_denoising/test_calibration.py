import itertools

import numpy as np
import pytest
import scipy.stats

from mmcion.denoising import calibrate
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.testing import NoiseModel
from mmcion.utils.checks import UserError

from .planted import centroid, plant, random_case, store, unit


def distances(table, features):
    """Return within-tracklet and co-occurring distances by brute force."""
    tracklets = [
        np.arange(start, stop)
        for start, stop in itertools.pairwise(table.tracklet_ptr)
    ]
    feats = features[:].astype(np.float64)
    centers = [centroid(feats[rows]) for rows in tracklets]
    same = [
        1 - feats[row] @ center
        for rows, center in zip(tracklets, centers, strict=True)
        for row in rows
        if len(rows) > 1
    ]
    frames = [
        {(table.video_id[r], table.frame[r]) for r in rows}
        for rows in tracklets
    ]
    different = [
        1 - centers[a] @ centers[b]
        for a, b in itertools.combinations(range(len(tracklets)), 2)
        if frames[a] & frames[b]
    ]
    return np.array(same), np.array(different)


@pytest.mark.parametrize('seed', range(4))
def test_quantiles_by_brute_force(seed):
    table, features, _ = random_case(seed)
    same, different = distances(table, features)

    found = calibrate(
        table, features, false_merge_rate=0.2, tracklet_noise=0.3, min_pairs=1
    )

    assert found.sigma == pytest.approx(np.quantile(same, 0.7))
    assert found.delta == pytest.approx(np.quantile(different, 0.2))
    assert found.num_images == len(same) == sum(found.same)
    assert found.num_pairs == len(different) == sum(found.different)
    assert len(found.bins) == len(found.same) + 1


def test_thresholds_separate_planted_identities():
    case = plant(0, foreign=0)
    found = calibrate(case.table, case.features)
    assert found.sigma < 0.15
    assert found.delta > 0.4


def test_too_few_pairs_names_count_and_hint():
    table = TrackletTable.from_columns(
        video_id=[0] * 8,
        tracklet_id=[0, 0, 1, 1, 2, 2, 3, 3],
        frame=[0, 1, 0, 2, 0, 3, 8, 9],
    )
    features = store(np.eye(4).repeat(2, axis=0))
    with pytest.raises(
        UserError, match=r'need 10 pairs.* 3 pairs.*by hand.*min_pairs'
    ):
        calibrate(table, features)
    assert calibrate(table, features, min_pairs=3).delta == 1


def test_table_without_rows_has_no_pairs():
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], videos=['a']
    )
    with pytest.raises(UserError, match='only 0 pairs'):
        calibrate(table, store(np.ones((0, 4))))


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('rate', [0.05, 0.1, 0.2])
def test_noise_delta_expects_one_tracklet_in_a_normal_distribution(seed, rate):
    made = NoiseModel(videos=10).simulate(seed)
    same, different = distances(made.table, made.features)
    median = np.median(different)
    delta = np.quantile(different, rate)
    # the standard deviation that puts the fraction ``rate`` below delta
    deviation = (delta - median) / scipy.stats.norm.ppf(rate)
    wanted = 1 / made.table.num_tracklets
    expected = scipy.stats.norm(median, deviation).ppf(wanted)

    found = calibrate(made.table, made.features, false_merge_rate=rate)

    assert np.median(same) < expected < delta  # no bound in the way
    assert found.noise_delta == pytest.approx(expected, rel=1e-6)
    assert found.delta == pytest.approx(delta)


def test_noise_delta_is_at_most_delta():
    # delta comes first where tracklets lie nearer than their images
    case = plant(0, identities=6, spread=3.0)
    found = calibrate(case.table, case.features, false_merge_rate=0.001)
    _, different = distances(case.table, case.features)
    assert found.delta == pytest.approx(np.quantile(different, 0.001))
    assert found.noise_delta <= found.delta


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        *(('false_merge_rate', value) for value in (0, 0.5, float('nan'))),
        *(('tracklet_noise', value) for value in (0, 1, -0.1)),
        *(('min_pairs', value) for value in (0, 2.5)),
    ],
)
def test_options_outside_their_range(name, value):
    case = plant(0)
    with pytest.raises(UserError, match=f'{name} .*got {value}'):
        calibrate(case.table, case.features, **{name: value})


@pytest.mark.parametrize('lost', [0, 4, 9])
def test_tracklets_without_a_feature_are_no_evidence(lost):
    rng = np.random.default_rng(0)
    tracklet = np.repeat(range(10), 4)
    feats = unit(np.eye(10)[tracklet] + rng.normal(0, 0.1, (40, 10)))
    table = TrackletTable.from_columns(
        video_id=np.zeros(40, int),
        tracklet_id=tracklet,
        frame=[*range(4)] * 10,
    )
    gone = tracklet == lost
    feats[gone] = 0
    features = FeatureStore(feats, {'unreadable': np.flatnonzero(gone)})
    rest = TrackletTable.from_columns(
        video_id=table.video_id[~gone],
        tracklet_id=table.tracklet_id[~gone],
        frame=table.frame[~gone],
    )

    found = calibrate(table, features)

    expected = calibrate(rest, FeatureStore(feats[~gone]))
    assert (found.num_images, found.num_pairs) == (36, 36)
    assert found.sigma == expected.sigma
    assert found.delta == expected.delta
    assert found.different == expected.different


def test_no_feature_at_all_is_too_few_pairs():
    case = plant(0)
    rows = list(range(len(case.table)))
    features = FeatureStore(np.zeros((len(rows), 4)), {'unreadable': rows})
    with pytest.raises(UserError, match='only 0 pairs'):
        calibrate(case.table, features)


@pytest.mark.parametrize('clutter', [0.02, 0.12, 0.2])
def test_sigma_stays_below_foreign_images(clutter, caplog):
    made = NoiseModel(clutter=clutter).simulate(0)
    few = NoiseModel(clutter=0).simulate(0)
    features = made.features.centered()

    found = calibrate(made.table, features)

    usual = calibrate(few.table, few.features.centered()).sigma
    assert found.sigma < 1.6 * usual
    assert (found.tracklet_noise > 0.1) == (clutter > 0.1)
