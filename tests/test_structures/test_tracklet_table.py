import json
import shutil

import numpy as np
import pytest

from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError

COLUMNS = ('video_id', 'tracklet_id', 'frame', 'path', 'box', 'score')


def make_table(**overrides):
    """Video 0: tracklets 4 (2 rows) and 9; video 1 empty; video 2: 9."""
    columns = {
        'video_id': [0, 0, 0, 2, 2],
        'tracklet_id': [4, 4, 9, 9, 9],
        'frame': [1, 3, 1, 0, 1],
        'videos': ['a', 'b', 'c'],
    }
    return TrackletTable.from_columns(**{**columns, **overrides})


def test_pointers_mark_where_groups_begin():
    table = make_table()
    assert len(table) == 5
    assert table.tracklet_ptr.tolist() == [0, 2, 3, 5]
    assert table.tracklet_index.tolist() == [0, 0, 1, 2, 2]
    assert table.num_tracklets == 3


def test_video_without_rows_is_an_empty_range():
    assert make_table().video_ptr.tolist() == [0, 3, 3, 5]


def test_table_without_rows():
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], path=[], videos=['a']
    )
    assert len(table) == table.num_tracklets == 0
    assert table.tracklet_ptr.tolist() == [0]
    assert table.video_ptr.tolist() == [0, 0]


@pytest.mark.parametrize('seed', range(5))
def test_pointers_fit_random_rows(seed):
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, [4, 5, 6], (60, 3))
    video, tracklet, frame = keys[TrackletTable.sort_order(*keys.T)].T
    table = make_table(
        video_id=video, tracklet_id=tracklet, frame=frame, videos=None
    )

    for number, (start, stop) in enumerate(
        zip(table.tracklet_ptr[:-1], table.tracklet_ptr[1:], strict=True)
    ):
        own = (video == video[start]) & (tracklet == tracklet[start])
        assert np.flatnonzero(own).tolist() == list(range(start, stop))
        assert (table.tracklet_index[start:stop] == number).all()
    for v, (start, stop) in enumerate(
        zip(table.video_ptr[:-1], table.video_ptr[1:], strict=True)
    ):
        assert np.flatnonzero(video == v).tolist() == list(range(start, stop))


def test_sort_order_is_stable():
    order = TrackletTable.sort_order(
        np.array([1, 0, 0, 0]), np.array([0, 2, 1, 1]), np.array([0, 0, 5, 5])
    )
    assert order.tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize(
    ('column', 'values', 'message'),
    [
        ('video_id', [0, 0, 2, 0, 2], r'row 3 \[0, 9, 0\] follows \[2, 9, 1'),
        ('tracklet_id', [4, 9, 4, 9, 9], r'row 2 \[0, 4, 1\] follows \[0, 9'),
        ('frame', [3, 1, 1, 0, 1], r'row 1 \[0, 4, 1\] follows \[0, 4, 3\]'),
    ],
)
def test_unsorted_rows_are_named(column, values, message):
    with pytest.raises(UserError, match=message):
        make_table(**{column: values})


@pytest.mark.parametrize(
    ('overrides', 'message'),
    [
        ({'path': ['x.jpg']}, 'frame 5, path 1'),
        ({'box': np.ones((5, 5))}, r'box must be \(N, 4\).*\(5, 5\)'),
        ({'box': np.full((5, 4), np.nan)}, r'box\[0\] .*NaN'),
        ({'box': np.ones((5, 4), complex)}, 'box .*complex'),
        ({'videos': ['a', 'b']}, '2 names .* 0 to 2'),
        ({'video_id': [-1, 0, 0, 2, 2]}, '3 names .* -1 to 2'),
        ({'sources': ['s']}, 'videos 3, sources 1'),
        ({'fps': [25, None]}, 'fps 2'),
        ({'tracklet_id': [4, 4, 9.5, 9, 9]}, r'tracklet_id .*row 2 is 9\.5'),
        ({'frame': [1, np.nan, 1, 0, 1]}, 'frame .*row 1 is nan'),
        ({'frame': [1, np.inf, 1, 0, 1]}, 'frame .*row 1 is inf'),
        ({'frame': [-1, 3, 1, 0, 1]}, 'frame must be >= 0.* -1'),
        ({'video_id': [0, 0, 0, 2, 2**32]}, 'video_id .*row 4'),
    ],
)
def test_wrong_columns_are_refused(overrides, message):
    with pytest.raises(UserError, match=message):
        make_table(**overrides)


def test_keys_must_be_numbers():
    with pytest.raises(UserError, match='frame'):
        make_table(frame=list('abcde'))


def test_integral_floats_and_equal_rows_are_accepted():
    table = make_table(tracklet_id=[4.0, 4, 9, 9, 9], frame=[1, 1, 1, 1.0, 1])
    assert table.tracklet_id.tolist() == [4, 4, 9, 9, 9]
    assert table.frame.tolist() == [1] * 5


def test_paths_given_as_bytes_are_not_copied():
    paths = np.array([f'é{row}.jpg'.encode() for row in range(5)])
    assert make_table(path=paths).path is paths


def test_tables_of_older_versions_have_no_frame_rates(tmp_path):
    make_table().save(tmp_path / 'table')
    header = tmp_path / 'table' / 'table.json'
    values = json.loads(header.read_text())
    assert values.pop('fps') == [None, None, None]
    header.write_text(json.dumps(values))
    (tmp_path / 'table' / 'checksums.json').unlink()
    table = TrackletTable.load(tmp_path / 'table')
    assert np.isnan(table.fps).tolist() == [True, True, True]
    assert table.fingerprint() == make_table(fps=[1, 2, 3]).fingerprint()


def test_default_names_and_sources_of_videos():
    table = make_table(videos=None)
    assert table.videos == ('video00000', 'video00001', 'video00002')
    assert table.sources == table.videos


def test_save_and_load_give_the_same_table(tmp_path):
    rng = np.random.default_rng(0)
    table = make_table(
        path=[f'ä/{i}.jpg' for i in range(5)],
        box=rng.random((5, 4)),
        score=rng.random(5),
        sources=['street', 'street', 'hall'],
        fps=[25, None, 12.5],
    )
    table.save(tmp_path / 'table')

    found = TrackletTable.load(tmp_path / 'table')

    for name in COLUMNS:
        before, after = getattr(table, name), getattr(found, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)
    assert found.videos == table.videos
    assert found.sources == ('street', 'street', 'hall')
    np.testing.assert_array_equal(found.fps, [25, np.nan, 12.5])
    assert found.fingerprint() == table.fingerprint()
    assert isinstance(found.frame, np.memmap)


def test_pointers_are_stored_and_mapped(tmp_path):
    table = make_table()
    table.save(tmp_path / 'table')
    found = TrackletTable.load(tmp_path / 'table')
    for name in ('tracklet_ptr', 'video_ptr'):
        assert isinstance(getattr(found, name), np.memmap)
        assert getattr(found, name).tolist() == getattr(table, name).tolist()
    assert found.tracklet_index.tolist() == table.tracklet_index.tolist()


def edit_columns(folder, **columns):
    """Replace columns of a saved table, or remove those that are None."""
    header = json.loads((folder / 'table.json').read_text())
    for name, column in columns.items():
        if column is None:
            (folder / f'{name}.npy').unlink()
            del header['lengths'][name]
        else:
            np.save(folder / f'{name}.npy', np.array(column, np.int64))
            header['lengths'][name] = len(column)
    (folder / 'table.json').write_text(json.dumps(header))
    (folder / 'checksums.json').unlink()


def test_pointers_that_are_not_stored_are_computed(tmp_path):
    table = make_table()
    table.save(tmp_path / 'table')
    edit_columns(tmp_path / 'table', tracklet_ptr=None, video_ptr=None)
    found = TrackletTable.load(tmp_path / 'table')
    assert found.tracklet_ptr.tolist() == [0, 2, 3, 5]
    assert found.video_ptr.tolist() == [0, 3, 3, 5]
    assert found.fingerprint() == table.fingerprint()


@pytest.mark.parametrize(
    ('name', 'pointers', 'message'),
    [
        ('tracklet_ptr', [0, 2, 4], r'3 .*\[0, 4\].* 5 rows'),
        ('tracklet_ptr', [1, 2, 5], r'3 .*\[1, 5\].* 5 rows'),
        ('tracklet_ptr', [], r'0 .*\[\].* 5 rows'),
        ('video_ptr', [0, 3, 3, 6], r'4 .*\[0, 6\].* 5 rows'),
        ('video_ptr', [0, 3, 5], r'3 .*\[0, 5\].* 3 videos'),
    ],
)
def test_pointers_of_another_table_are_refused(
    tmp_path, name, pointers, message
):
    make_table().save(tmp_path / 'table')
    edit_columns(tmp_path / 'table', **{name: pointers})
    with pytest.raises(UserError, match=f'{name} .*{message}'):
        TrackletTable.load(tmp_path / 'table')


def test_opening_reads_no_row(tmp_path, monkeypatch):
    make_table().save(tmp_path / 'table')
    for name in ('diff', 'searchsorted', 'flatnonzero'):
        monkeypatch.setattr(np, name, None)
    table = TrackletTable.load(tmp_path / 'table')
    assert table.num_tracklets == 3
    assert len(table.video_ptr) == 4


def test_optional_columns_stay_absent(tmp_path):
    make_table().save(tmp_path / 'table')
    found = TrackletTable.load(tmp_path / 'table')
    assert found.path is found.box is found.score is None
    assert found.image_root is None


def test_table_without_rows_can_be_saved(tmp_path):
    TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], path=[], videos=['a']
    ).save(tmp_path / 'table')
    assert len(TrackletTable.load(tmp_path / 'table')) == 0


def test_names_from_an_array_keep_the_fingerprint(tmp_path):
    table = make_table(videos=np.array(['a', 'b', 'c']))
    table.save(tmp_path / 'table')
    found = TrackletTable.load(tmp_path / 'table')
    assert found.fingerprint() == table.fingerprint()
    assert table.fingerprint() == make_table().fingerprint()


def test_fingerprint_depends_on_keys_and_names():
    prints = {
        make_table().fingerprint(),
        make_table(videos=['a', 'b', 'd']).fingerprint(),
        make_table(frame=[1, 4, 1, 0, 1]).fingerprint(),
        make_table(tracklet_id=[4, 4, 9, 8, 9]).fingerprint(),
    }
    assert len(prints) == 4


def test_images_move_with_the_folder(tmp_path):
    before, after = tmp_path / 'before', tmp_path / 'after'
    make_table(
        path=[f'{i}.jpg' for i in range(5)], image_root=before / 'crops'
    ).save(before / 'table')

    shutil.move(before, after)
    found = TrackletTable.load(after / 'table')

    assert found.image_path(3) == after / 'crops' / '3.jpg'


def test_image_root_elsewhere_is_absolute(tmp_path):
    table = make_table(path=list('abcde'), image_root=tmp_path / 'crops')
    table.save(tmp_path / 'out' / 'table')
    found = TrackletTable.load(tmp_path / 'out' / 'table')
    assert found.image_path(0) == tmp_path / 'crops' / 'a'


def test_relative_image_root_is_relative_to_the_writer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_table(path=list('abcde'), image_root='crops').save('out/table')
    monkeypatch.chdir(tmp_path.parent)
    found = TrackletTable.load(tmp_path / 'out' / 'table')
    assert found.image_path(1) == tmp_path / 'crops' / 'b'


def test_table_without_paths_has_no_images():
    with pytest.raises(UserError, match='no image paths'):
        make_table().image_path(0)


def test_videos_far_apart_are_refused_unless_named():
    keys = {'tracklet_id': [0, 0], 'frame': [0, 1]}
    with pytest.raises(UserError, match='0 to 1000000'):
        TrackletTable.from_columns(video_id=[0, 10**6], **keys)
