import errno
import json
import os
import signal

import numpy as np
import pytest
import torch

from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.checks import UserError

META = {'extractor': 'colour', 'size': (128, 64)}


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_store(folder, features, meta=META):
    FeatureStore.create(folder, features.shape)[:] = features
    FeatureStore.finish(folder, meta)


@pytest.fixture
def raw():
    return np.random.default_rng(0).normal(1, 1, (40, 8))


def test_round_trip_in_half_precision(tmp_path, raw):
    write_store(tmp_path, raw)
    store = FeatureStore.open(tmp_path)
    assert (len(store), store.dim) == (40, 8)
    assert store[2:5].dtype == np.float32
    # fp16 keeps 11 bits
    np.testing.assert_allclose(store[2:5], unit(raw[2:5]), atol=2**-10)
    np.testing.assert_allclose(np.linalg.norm(store[:], axis=1), 1, atol=1e-6)
    assert np.array_equal(store[np.array([7, 3])], store[:][[7, 3]])
    assert store.meta['extractor'] == 'colour'


def test_centring_subtracts_the_mean_and_renormalises(tmp_path, raw):
    write_store(tmp_path, raw)
    store = FeatureStore.open(tmp_path, center=True)
    half = raw.astype(np.float16).astype(np.float64)
    np.testing.assert_allclose(store[:], unit(half - half.mean(0)), atol=1e-6)


def test_mean_of_many_rows_is_exact(monkeypatch, raw):
    monkeypatch.setattr('mmcion.structures.feature_store._CHUNK', 7 * 8)
    store = FeatureStore(raw.astype(np.float16), center=True)
    expected = raw.astype(np.float16).astype(np.float64).mean(0)
    np.testing.assert_allclose(store.mean, expected, rtol=1e-6)


@pytest.mark.parametrize('value', [0, np.nan, np.inf])
@pytest.mark.parametrize('rows', [slice(3, 9), np.array([1, 5])])
def test_bad_row_is_named(raw, value, rows):
    raw[5] = value
    with pytest.raises(UserError, match=r'zero or not finite in row 5: extr'):
        FeatureStore(raw)[rows]
    raw[6] = value
    with pytest.raises(UserError, match=r'in row 5 and others: extract them'):
        FeatureStore(raw)[:]


def test_features_must_be_rows():
    with pytest.raises(UserError, match=r'\(4,\)'):
        FeatureStore(np.ones(4))


def test_unfinished_store_is_refused(tmp_path, raw):
    FeatureStore.create(tmp_path, raw.shape)
    with pytest.raises(FileNotFoundError, match=r'features\.json'):
        FeatureStore.open(tmp_path)


def test_wrong_shape_names_both(tmp_path, raw):
    write_store(tmp_path, raw)
    np.save(tmp_path / 'features.npy', raw[:30].astype(np.float16))
    with pytest.raises(UserError, match=r'\(30, 8\).* \(40, 8\)'):
        FeatureStore.open(tmp_path)


def test_truncated_array_is_damage(tmp_path, raw):
    write_store(tmp_path, raw)
    array = tmp_path / 'features.npy'
    array.write_bytes(array.read_bytes()[:300])
    with pytest.raises(UserError, match=r'300 bytes.*\(40, 8\)'):
        FeatureStore.open(tmp_path)


def test_creating_again_keeps_what_is_there(tmp_path, raw):
    FeatureStore.create(tmp_path, raw.shape)[:10] = raw[:10]
    again = FeatureStore.create(tmp_path, raw.shape)
    assert np.array_equal(again[:10], raw[:10].astype(np.float16))
    assert not again[10:].any()


@pytest.mark.parametrize('content', [(40, 6), (39, 8), b'', b'\x93NUMPY'])
def test_arrays_of_another_shape_are_replaced(tmp_path, raw, content):
    if isinstance(content, tuple):
        FeatureStore.create(tmp_path, content)[:] = 1
    else:
        (tmp_path / 'features.npy').write_bytes(content)
    again = FeatureStore.create(tmp_path, raw.shape)
    assert again.shape == raw.shape
    assert not again.any()


def test_creating_again_makes_the_store_unfinished(tmp_path, raw):
    write_store(tmp_path, raw)
    FeatureStore.create(tmp_path, raw.shape)
    with pytest.raises(FileNotFoundError):
        FeatureStore.open(tmp_path)


def test_fingerprint_depends_on_origin_values_and_centring(raw):
    other = raw.copy()
    other[39] += 1
    prints = {
        FeatureStore(raw).fingerprint(),
        FeatureStore(raw, META).fingerprint(),
        FeatureStore(other).fingerprint(),
        FeatureStore(raw[:39]).fingerprint(),
        FeatureStore(raw, center=True).fingerprint(),
    }
    assert len(prints) == 5
    assert FeatureStore(raw.copy()).fingerprint() in prints


def make_table(rows):
    zeros = np.zeros(rows, int)
    return TrackletTable.from_columns(
        video_id=zeros, tracklet_id=zeros, frame=np.arange(rows)
    )


def test_rows_are_compared_with_the_table(raw):
    store = FeatureStore(raw)
    store.check_table(make_table(40))
    with pytest.raises(UserError, match=r'\b40 .* 41\b'):
        store.check_table(make_table(41))


def test_features_of_another_table_are_refused(raw):
    table = make_table(40)
    FeatureStore(raw, {'table': table.fingerprint()}).check_table(table)
    with pytest.raises(UserError, match='0123'):
        FeatureStore(raw, {'table': '0123'}).check_table(table)


def test_centring_names_a_row_that_is_not_finite(raw):
    raw[7, 2] = np.nan
    with pytest.raises(UserError, match='in row 7:'):
        FeatureStore(raw, center=True)


@pytest.mark.parametrize('dim', [1, 2, 7, 8, 31, 96, 256, 2048])
@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('center', [False, True])
def test_row_does_not_depend_on_other_requested_rows(dim, dtype, center):
    rng = np.random.default_rng(dim)
    features = rng.normal(0.3, 1, (301, dim)).astype(dtype)
    store = FeatureStore(features, center=center)
    whole = store[:]
    for block in (1, 2, 3, 64, 300):
        parts = [store[s : s + block] for s in range(0, 301, block)]
        assert np.array_equal(np.concatenate(parts), whole)
    rows = rng.integers(-301, 301, 50)
    assert np.array_equal(store[rows], whole[rows])
    mask = rng.random(301) < 0.5
    assert np.array_equal(store[mask], whole[mask])
    assert np.array_equal(store[250:10:-7], whole[250:10:-7])
    exact = features.astype(np.float64)
    exact -= exact.mean(0) if center else 0
    np.testing.assert_allclose(whole, unit(exact), atol=1e-5)


def test_neither_threads_nor_layout_change_a_bit(raw):
    features = np.tile(raw.astype(np.float16), (300, 40))
    expected = FeatureStore(features, center=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = FeatureStore(np.asfortranarray(features), center=True)
        assert np.array_equal(alone.mean, expected.mean)
        assert np.array_equal(alone[:], expected[:])
    finally:
        torch.set_num_threads(threads)


def test_read_only_features_give_no_warning(raw, recwarn):
    raw.setflags(write=False)
    store = FeatureStore(raw, center=True)
    store[:], store[np.arange(3)]
    assert not recwarn.list
    assert store[:0].shape == (0, 8)


def test_forked_process_can_read(raw):
    store = FeatureStore(np.tile(raw, (2000, 1)))
    torch.randn(600, 600) @ torch.randn(600, 600)  # starts torch's threads
    child = os.fork()
    if not child:
        signal.alarm(20)
        store[:], store.centered()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def holes(raw):
    raw[[5, 30]] = 0
    return FeatureStore(raw, {**META, 'unreadable': [5, 30]})


def test_unreadable_rows_are_zero_and_no_error(holes, raw):
    assert holes.unreadable.tolist() == [5, 30]
    assert holes.unreadable.dtype == np.int64
    expected = raw.astype(np.float32)
    expected[np.delete(np.arange(40), [5, 30])] = FeatureStore(
        np.delete(raw, [5, 30], axis=0)
    )[:]
    mask = np.arange(40) % 5 == 0
    for rows in (
        slice(None),
        slice(4, 7),
        slice(None, None, -5),
        np.array([30, 5, -10, -35, 1]),
        mask,
    ):
        assert np.array_equal(holes[rows], expected[rows])


def test_mean_is_that_of_the_readable_rows(holes, raw):
    centered = holes.centered()
    readable = np.delete(raw, [5, 30], axis=0)
    np.testing.assert_allclose(centered.mean, readable.mean(0), rtol=1e-6)
    assert not centered[4:7][1].any()
    assert centered.unreadable.tolist() == [5, 30]


def test_other_bad_rows_are_still_named(holes, raw):
    raw[7] = 0
    with pytest.raises(UserError, match='in row 7:'):
        holes[:]
    raw[7] = np.nan
    with pytest.raises(UserError, match='zero or not finite in row 7:'):
        holes[np.array([5, 7])]


def test_unreadable_rows_belong_to_the_fingerprint(holes, raw):
    assert holes.fingerprint() != FeatureStore(raw, META).fingerprint()
    assert FeatureStore(raw).unreadable.shape == (0,)


def test_unreadable_rows_must_exist(raw):
    with pytest.raises(UserError, match='row 40 is beyond the 40 rows'):
        FeatureStore(raw, {'unreadable': [40, 3]})


def test_unreadable_rows_are_kept_on_disk(tmp_path, raw):
    raw[3] = 0
    FeatureStore.create(tmp_path, raw.shape)[:] = raw
    FeatureStore.finish(tmp_path, {**META, 'unreadable': [3]})
    assert FeatureStore.open(tmp_path).unreadable.tolist() == [3]


@pytest.mark.parametrize('center', [False, True])
def test_sums_of_rows_are_exact(center):
    rng = np.random.default_rng(0)
    store = FeatureStore(rng.normal(size=(5000, 6)), center=center)
    rows = store[0:5000].astype(np.float64)
    total = rows.sum(0)
    for _ in range(5):
        shuffled = rows[rng.permutation(5000)]
        parts = [part.sum(0) for part in np.array_split(shuffled, 7)]
        assert np.array_equal(np.sum(parts, axis=0), total)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_fingerprint_of_an_array_sees_every_value():
    feats = np.random.default_rng(0).normal(size=(5000, 3))
    before = FeatureStore(feats).fingerprint()
    assert FeatureStore(feats.copy()).fingerprint() == before
    feats[4321, 2] += 1e-3
    assert FeatureStore(feats).fingerprint() != before


def test_fingerprint_of_a_mapped_file_sees_every_value(tmp_path):
    feats = np.random.default_rng(0).normal(size=(5000, 3))
    FeatureStore(feats).save(tmp_path / 'a')
    feats[4321, 2] += 1
    FeatureStore(feats).save(tmp_path / 'b')
    a, b = (FeatureStore.open(tmp_path / name) for name in 'ab')
    assert a.fingerprint() != b.fingerprint()
    np.testing.assert_allclose(a[0:10], FeatureStore(feats)[0:10], atol=1e-3)


def test_values_beyond_float16_are_refused(tmp_path):
    with pytest.raises(UserError, match='below 65504'):
        FeatureStore(np.full((2, 3), 1e6)).save(tmp_path / 'x')


@pytest.mark.parametrize(
    'features',
    [
        np.ones((3, 2), complex),
        np.full((3, 2), 'a'),
        np.ma.masked_less(np.ones((3, 2)), 0),
    ],
)
def test_other_arrays_are_refused(features):
    with pytest.raises(UserError, match=r'\(3, 2\)'):
        FeatureStore(features)


def test_any_byte_order_is_read():
    feats = np.random.default_rng(0).normal(size=(4, 3))
    big = FeatureStore(feats.astype('>f8'))
    assert np.array_equal(big[:], FeatureStore(feats)[:])


def test_flipped_bit_is_found_when_all_is_read(tmp_path, raw):
    write_store(tmp_path, raw)
    expected = FeatureStore.open(tmp_path).fingerprint()
    assert FeatureStore.open(tmp_path).centered().fingerprint() != expected
    array = tmp_path / 'features.npy'
    content = bytearray(array.read_bytes())
    content[-3] ^= 1
    array.write_bytes(content)
    for center in (False, True):
        store = FeatureStore.open(tmp_path, center=center)
        with pytest.raises(UserError, match=r'features\.npy is damaged'):
            store.fingerprint()
    (tmp_path / 'checksums.json').unlink()  # as in older versions
    assert FeatureStore.open(tmp_path).fingerprint() != expected


@pytest.mark.parametrize('order', ['F', '>f2'])
def test_checksum_of_an_array_of_another_layout(tmp_path, raw, order):
    array = np.asfortranarray(raw) if order == 'F' else raw.astype(order)
    np.save(tmp_path / 'features.npy', array)
    FeatureStore.finish(tmp_path, META)
    assert FeatureStore.open(tmp_path).fingerprint()


@pytest.mark.parametrize(
    'meta',
    [
        [],
        None,
        {'rows': 40},
        {'rows': '40', 'dim': 8},
        {'rows': 40, 'dim': [8]},
        {'rows': -40, 'dim': 8},
        {'rows': 40, 'dim': 8, 'unreadable': 3},
        {'rows': 40, 'dim': 8, 'unreadable': [-1]},
        {'rows': 40, 'dim': 8, 'unreadable': [1 << 70]},
        {'rows': 40, 'dim': 8, 'table': {}},
    ],
)
def test_damaged_description_is_one_error(tmp_path, raw, meta):
    write_store(tmp_path, raw)
    (tmp_path / 'checksums.json').unlink()
    (tmp_path / 'features.json').write_text(json.dumps(meta))
    with pytest.raises(UserError):
        FeatureStore.open(tmp_path)


def test_full_disk_is_known_before_features_are_written(
    tmp_path, raw, monkeypatch
):
    def no_space(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'posix_fallocate', no_space)
    with pytest.raises(OSError, match=rf'features\.npy in {tmp_path}'):
        FeatureStore.create(tmp_path / 'features', raw.shape)
    assert not any((tmp_path / 'features').iterdir())


@pytest.mark.parametrize('center', [False, True])
def test_other_features_become_rows_of_the_store(raw, center):
    store = FeatureStore(raw.astype(np.float16), center=center)
    np.testing.assert_array_equal(store.as_rows(raw[3:7]), store[3:7])
    assert len(store) == len(raw)


def test_transforms_leave_the_fingerprint_as_it_was(raw):
    store = FeatureStore(raw, {'pipeline': 'abc'})
    more = FeatureStore(raw, {'pipeline': 'abc', 'transforms': [{}]})
    assert more.fingerprint() == store.fingerprint()
