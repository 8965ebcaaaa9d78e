import numpy as np
import pytest

from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)
from mmcion.utils.checks import UserError
from mmcion.utils.checksums import write_checksums


def test_one_identity_per_tracklet_at_first():
    table = TrackletTable.from_columns(
        video_id=[0, 0, 0, 1], tracklet_id=[3, 3, 8, 3], frame=[0, 1, 0, 0]
    )
    labels = IdentityLabels.from_tracklets(table)
    assert labels.identity.tolist() == [0, 0, 1, 2]
    labels.identity[:] = 0
    assert table.tracklet_index.tolist() == [0, 0, 1, 2]


def test_keep_and_count_ignore_unassigned_rows():
    labels = IdentityLabels(np.array([5, UNASSIGNED, 5, 2, UNASSIGNED]))
    assert labels.keep.tolist() == [True, False, True, True, False]
    assert labels.num_identities == 2


def test_contiguous_numbers_by_first_row():
    labels = IdentityLabels(np.array([7, -1, 2, 7, 90, 2]), {'a': 1})
    found = labels.contiguous()
    assert found.identity.tolist() == [0, -1, 1, 0, 2, 1]
    assert found.identity.dtype == np.int32
    assert found.report == {'a': 1}
    assert labels.identity.tolist() == [7, -1, 2, 7, 90, 2]


@pytest.mark.parametrize('identity', [[], [-1, -1], [0], [4, 4]])
def test_contiguous_of_small_labellings(identity):
    labels = IdentityLabels(np.array(identity, np.int32)).contiguous()
    assert labels.identity.tolist() == [min(i, 0) for i in identity]


@pytest.mark.parametrize('seed', range(5))
def test_contiguous_keeps_the_grouping(seed):
    identity = np.random.default_rng(seed).integers(-1, 12, 50)
    found = IdentityLabels(identity).contiguous().identity
    same = identity[:, None] == identity
    assert np.array_equal(found[:, None] == found, same)
    assert np.array_equal(found < 0, identity < 0)
    firsts = [np.flatnonzero(found == k)[0] for k in range(found.max() + 1)]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize('seed', range(8))
def test_contiguous_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    # numbers with gaps, some of them far apart
    names = rng.permutation(5000)[:15].astype(np.int32)
    names[rng.integers(0, 15, 4)] = UNASSIGNED
    identity = names[rng.integers(0, 15, rng.integers(1, 80))]
    before = identity.copy()
    seen = {UNASSIGNED: UNASSIGNED}
    for k in identity.tolist():
        seen.setdefault(k, len(seen) - 1)

    found = IdentityLabels(identity).contiguous()

    assert found.identity.tolist() == [seen[k] for k in identity.tolist()]
    assert found.identity.dtype == np.int32
    assert found.num_identities == len(seen) - 1
    assert np.array_equal(identity, before)
    again = found.contiguous().identity
    assert np.array_equal(again, found.identity)


def test_rows_without_a_feature_start_unassigned():
    table = TrackletTable.from_columns(
        video_id=[0, 0, 0], tracklet_id=[3, 3, 8], frame=[0, 1, 0]
    )
    features = FeatureStore(np.ones((3, 2)), {'unreadable': [1]})
    labels = IdentityLabels.from_tracklets(table, features)
    assert labels.identity.tolist() == [0, UNASSIGNED, 1]
    assert table.tracklet_index.tolist() == [0, 0, 1]


def test_save_and_load(tmp_path):
    labels = IdentityLabels(np.array([0, -1, 1], np.int32))
    labels.save(tmp_path / 'new' / 'identity.npy')
    found = IdentityLabels.load(tmp_path / 'new' / 'identity.npy')
    assert found.identity.dtype == np.int32
    assert found.identity.tolist() == [0, -1, 1]


def test_damaged_labels_are_named(tmp_path):
    file = tmp_path / 'identity.npy'
    IdentityLabels(np.array([0, -1, 1], np.int32)).save(file)
    write_checksums(tmp_path, [file.name])
    content = bytearray(file.read_bytes())
    content[-4] ^= 4
    file.write_bytes(content)
    with pytest.raises(UserError, match=r'identity\.npy is damaged'):
        IdentityLabels.load(file)
    file.write_bytes(content[:100])
    with pytest.raises(UserError, match=r'identity\.npy is damaged'):
        IdentityLabels.load(file)


@pytest.mark.parametrize(
    'values', [[0, -2], [[0], [1]], [0.5, 1], [np.nan], ['a'], [1 + 2j]]
)
def test_only_identities_are_read(tmp_path, values):
    np.save(tmp_path / 'a.npy', np.array(values))
    with pytest.raises(UserError, match=r'a\.npy: '):
        IdentityLabels.load(tmp_path / 'a.npy')


@pytest.mark.parametrize('identity', [[], [-1], [7, -1, 3, 7, 9], [2, 0, 1]])
def test_compact_keeps_the_order_of_the_numbers(identity):
    report = {'a': 1}
    labels = IdentityLabels(np.array(identity, np.int64), report)
    found = labels.compact()
    assert found.identity.dtype == np.int32
    used = sorted({k for k in identity if k >= 0})
    wanted = [used.index(k) if k >= 0 else -1 for k in identity]
    assert found.identity.tolist() == wanted
    assert found.report is report
    assert labels.identity.tolist() == identity
