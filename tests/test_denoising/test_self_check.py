import numpy as np
import pytest

from mmcion.denoising import DenoisePipeline, self_check
from mmcion.structures import (
    FeatureStore,
    IdentityLabels,
    cooccurring_pairs,
)
from mmcion.testing import NoiseModel
from mmcion.utils.checks import UserError

from .planted import plant


@pytest.fixture(scope='module')
def case():
    return plant(0)


def recording(answer, calls):
    """Return a denoising that keeps the tables it gets."""

    def denoise(table, features):
        calls.append(table)
        return IdentityLabels(answer(table))

    return denoise


def test_every_tracklet_is_cut_once(case):
    calls = []
    found = self_check(
        recording(lambda table: np.zeros(len(table), int), calls),
        case.table,
        case.features,
    )
    assert len(calls) == 5
    assert found['cut_tracklets'] == case.table.num_tracklets
    assert sum(t.num_tracklets - case.table.num_tracklets for t in calls) == (
        case.table.num_tracklets
    )
    for table in calls:
        assert np.array_equal(table.video_id, case.table.video_id)
        halves = np.diff(table.tracklet_ptr)
        assert halves.min() >= 2


def test_features_may_name_their_table(case):
    features = FeatureStore(
        case.features[:], {'table': case.table.fingerprint()}
    )
    pipeline = [{'type': 'SingleTrackletDenoiser', 'sigma': 0.5}]
    found = self_check(DenoisePipeline(pipeline).run, case.table, features)
    assert found['cut_tracklets'] == case.table.num_tracklets


def test_all_in_one_identity_has_full_recall_and_all_pairs_wrong(case):
    found = self_check(
        recording(lambda table: np.zeros(len(table), int), []),
        case.table,
        case.features,
    )
    assert found['recall'] == 1
    assert found['wrongly_joined'] == found['overlapping_pairs'] > 0
    known = found['rejoined'] + found['wrongly_joined']
    assert found['precision'] == found['rejoined'] / known


def test_each_tracklet_alone_joins_nothing(case):
    found = self_check(
        recording(lambda table: table.tracklet_index, []),
        case.table,
        case.features,
    )
    assert found['recall'] == found['rejoined'] == found['wrongly_joined'] == 0
    assert found['precision'] is None


def test_cut_tracklets_overlap_with_nothing(case):
    calls = []
    self_check(
        recording(lambda table: table.tracklet_index, calls),
        case.table,
        case.features,
    )
    for table in calls:
        # halves are the only neighbours without a tracklet of before
        pairs = cooccurring_pairs(table, table.tracklet_index)
        first = np.asarray(table.tracklet_id)[table.tracklet_ptr[:-1]]
        split = set(first[first % 2 == 1] // 2)
        assert split
        assert not split & set(first[np.concatenate(pairs)] // 2)


def test_pairs_that_overlapped_are_counted_by_brute_force():
    case = plant(1, videos=2, identities=3, pieces=1, length=6)
    calls = []
    found = self_check(
        recording(lambda table: np.zeros(len(table), int), calls),
        case.table,
        case.features,
    )
    expected = 0
    for table in calls:
        first = np.asarray(table.tracklet_id)[table.tracklet_ptr[:-1]]
        split = set(first[first % 2 == 1] // 2)
        frames = {}
        for row, t in enumerate(table.tracklet_id):
            key = (case.table.video_id[row], case.table.frame[row])
            frames.setdefault(int(t), set()).add(key)
        names = sorted(frames)
        expected += sum(
            bool(frames[a] & frames[b]) and bool({a // 2, b // 2} & split)
            for i, a in enumerate(names)
            for b in names[i + 1 :]
        )
    assert found['overlapping_pairs'] == expected


def test_good_features_are_found_good_and_bad_ones_bad():
    def check(**change):
        made = NoiseModel(videos=4, **change).simulate(0)
        pipeline = DenoisePipeline(
            [
                {'type': 'SingleTrackletDenoiser', 'sigma': 'auto'},
                {
                    'type': 'SingleVideoDenoiser',
                    'sigma': 'auto',
                    'delta': 'auto',
                },
            ],
            check={},
        )
        labels = pipeline.run(made.table, made.features)
        return labels.report['self_check']

    good, bad = check(), check(look_dim=3)
    assert good['recall'] > 0.85
    assert good['precision'] > 0.95
    assert bad['precision'] < 0.85 * good['precision']


def test_of_many_images_whole_videos_are_taken(case):
    calls = []
    found = self_check(
        recording(lambda table: table.tracklet_index, calls),
        case.table,
        case.features,
        max_images=len(case.table) // 2,
    )
    assert len(calls) == 1
    assert found['images'] == len(calls[0]) < len(case.table)
    for table in calls:
        for video in np.unique(table.video_id):
            expected = (case.table.video_id == video).sum()
            assert (table.video_id == video).sum() == expected


def test_without_evidence_there_is_no_check(case, capsys):
    def denoise(table, features):
        raise UserError('too few pairs')

    assert self_check(denoise, case.table, case.features) == {}
    lonely = plant(0, length=2)
    assert (
        self_check(
            recording(lambda table: table.tracklet_index, []),
            lonely.table,
            lonely.features,
        )
        == {}
    )
