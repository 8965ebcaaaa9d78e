import itertools

import numpy as np
import pytest

from mmcion.denoising import calibrate
from mmcion.structures import TrackletTable

from .planted import centroid, plant, random_case, store


@pytest.mark.parametrize('seed', range(4))
def test_quantiles_by_brute_force(seed):
    table, features, _ = random_case(seed)
    tracklets = [
        np.arange(start, stop)
        for start, stop in itertools.pairwise(table.tracklet_ptr)
    ]
    centers = [centroid(features[rows]) for rows in tracklets]
    same = np.concatenate(
        [
            1 - features[rows] @ center
            for rows, center in zip(tracklets, centers, strict=True)
        ]
    )
    moments = [
        {(table.video_id[r], table.frame[r]) for r in rows}
        for rows in tracklets
    ]
    different = [
        1 - centers[a] @ centers[b]
        for a, b in itertools.combinations(range(len(tracklets)), 2)
        if moments[a] & moments[b]
    ]

    found = calibrate(
        table, features, false_merge_rate=0.2, tracklet_noise=0.3, min_pairs=1
    )

    assert found.sigma == pytest.approx(np.quantile(same, 0.7))
    assert found.delta == pytest.approx(np.quantile(different, 0.2))
    assert found.num_images == len(table) == sum(found.same)
    assert found.num_pairs == len(different) == sum(found.different)
    assert len(found.bins) == len(found.same) + 1
    assert found.to_dict()['delta'] == found.delta


def test_thresholds_separate_planted_people():
    case = plant(0, foreign=0)
    found = calibrate(case.table, case.features)
    assert found.sigma < 0.15
    assert found.delta > 0.4


def test_too_few_pairs_names_count_and_remedy():
    table = TrackletTable.from_columns(
        video_id=[0] * 4, tracklet_id=[0, 1, 2, 3], frame=[0, 0, 0, 9]
    )
    features = store(np.eye(4))
    with pytest.raises(
        ValueError, match=r'only 3 pairs .* wants 10.*by hand.*min_pairs'
    ):
        calibrate(table, features)
    assert calibrate(table, features, min_pairs=3).delta == 1


def test_table_without_rows_has_no_pairs():
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], videos=['a']
    )
    with pytest.raises(ValueError, match='only 0 pairs'):
        calibrate(table, store(np.ones((0, 4))))
