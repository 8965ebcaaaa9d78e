import json

import numpy as np
import pytest

from mmcion.structures import AnnotationTable, TrackletTable, annotation
from mmcion.utils.checks import UserError


def test_save_and_load(tmp_path):
    table = AnnotationTable(['a.jpg', 'bé.jpg'], [1, 0], [4, 5])
    table.save(tmp_path / 'annotation')
    found = AnnotationTable.load(tmp_path / 'annotation')
    assert len(found) == 2
    assert [path.decode() for path in found.path] == ['a.jpg', 'bé.jpg']
    assert found.pid.tolist() == [1, 0]
    assert found.cam_id.tolist() == [4, 5]


def test_camera_is_zero_where_unknown():
    assert AnnotationTable(['a', 'b'], [0, 0]).cam_id.tolist() == [0, 0]


def test_cion_json_is_ordered_by_id(tmp_path):
    file = tmp_path / 'annos.json'
    AnnotationTable(['c', 'a', 'd', 'b'], [1, 0, 1, 0]).to_cion_json(file)
    assert json.loads(file.read_text()) == [
        {'file_path': 'a', 'id': 0},
        {'file_path': 'b', 'id': 0},
        {'file_path': 'c', 'id': 1},
        {'file_path': 'd', 'id': 1},
    ]


def test_import_relabels_and_ignores_other_keys(tmp_path):
    file = tmp_path / 'annos.json'
    items = [
        {'file_path': 'x', 'id': 40, 'score': 0.5},
        {'file_path': 'y', 'id': 7},
        {'file_path': 'z', 'id': 40},
    ]
    file.write_text(json.dumps(items))
    table = AnnotationTable.load(file)
    assert table.path.tolist() == [b'x', b'y', b'z']
    assert table.pid.tolist() == [1, 0, 1]


def test_export_then_import_keeps_the_grouping(tmp_path):
    pid = np.random.default_rng(0).integers(0, 5, 30)
    path = [f'{row}.jpg' for row in range(30)]
    AnnotationTable(path, pid).to_cion_json(tmp_path / 'annos.json')
    found = AnnotationTable.load(tmp_path / 'annos.json')
    assert dict(zip(found.path.tolist(), found.pid.tolist(), strict=True)) == {
        name.encode(): label
        for name, label in zip(path, pid.tolist(), strict=True)
    }


def test_empty_table_survives_both_formats(tmp_path):
    empty = AnnotationTable([], [])
    empty.save(tmp_path / 'annotation')
    empty.to_cion_json(tmp_path / 'annos.json')
    assert len(AnnotationTable.load(tmp_path / 'annotation')) == 0
    assert len(AnnotationTable.load(tmp_path / 'annos.json')) == 0


def test_missing_source(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        AnnotationTable.load(tmp_path / 'nowhere')


def test_negative_pid_is_refused():
    with pytest.raises(UserError, match='pid must be >= 0'):
        AnnotationTable(['a', 'b'], [0, -1])


def test_lengths_are_compared():
    with pytest.raises(UserError, match='path 2, pid 1, cam_id 1'):
        AnnotationTable(['a', 'b'], [0])


def test_rows_must_be_whole_numbers():
    with pytest.raises(UserError, match=r'pid .*row 1 is 0\.5'):
        AnnotationTable(['a', 'b'], [0, 0.5])
    with pytest.raises(UserError, match=r'cam_id .*row 0'):
        AnnotationTable(['a'], [0], [2**40])


@pytest.mark.parametrize('column', ['path', 'pid', 'cam_id'])
def test_columns_of_different_length_name_both_counts(tmp_path, column):
    folder = tmp_path / 'annotation'
    AnnotationTable(list('abcde'), range(5)).save(folder)
    short = np.load(folder / f'{column}.npy')[:3]
    np.save(folder / f'{column}.npy', short)
    with pytest.raises(UserError, match=r'\(3,\).*\(5,\)'):
        AnnotationTable.load(folder)

    (folder / 'checksums.json').unlink()
    header = json.loads((folder / 'table.json').read_text())
    header['lengths'][column] = 3
    (folder / 'table.json').write_text(json.dumps(header))
    with pytest.raises(UserError, match=f'{column} 3') as error:
        AnnotationTable.load(folder)
    assert ' 5' in str(error.value)


def test_damaged_json_is_named(tmp_path):
    file = tmp_path / 'annos.json'
    file.write_text('[{"file_path": "a", ')
    with pytest.raises(UserError, match=r'annos\.json'):
        AnnotationTable.load(file)


def test_root_of_the_images_is_kept(tmp_path):
    crops = tmp_path / 'crops'
    AnnotationTable(['a'], [0], image_root=crops).save(tmp_path / 'annotation')
    assert AnnotationTable.load(tmp_path / 'annotation').image_root == crops
    # both may be moved together
    moved = tmp_path / 'moved'
    moved.mkdir()
    (tmp_path / 'annotation').rename(moved / 'annotation')
    table = AnnotationTable.load(moved / 'annotation')
    assert table.image_root == moved / 'crops'


def test_header_without_an_image_root(tmp_path):
    AnnotationTable(['a'], [0]).save(tmp_path / 'annotation')
    header = tmp_path / 'annotation' / 'table.json'
    fields = json.loads(header.read_text())
    del fields['image_root']
    header.write_text(json.dumps(fields))
    (tmp_path / 'annotation' / 'checksums.json').unlink()
    assert AnnotationTable.load(tmp_path / 'annotation').image_root is None


def test_images_of_a_cion_json_are_beside_it(tmp_path):
    file = tmp_path / 'annos.json'
    file.write_text('[{"file_path": "a", "id": 0}]')
    assert AnnotationTable.load(file).image_root == tmp_path


def test_images_of_negative_ids_are_left_out_and_counted(
    tmp_path, monkeypatch
):
    lines = []
    monkeypatch.setattr(
        annotation, 'print_log', lambda text, **_: lines.append(text)
    )
    file = tmp_path / 'annos.json'
    ids = [5, -1, 3, -1, 5]
    rows = [{'file_path': f'{i}.jpg', 'id': x} for i, x in enumerate(ids)]
    file.write_text(json.dumps(rows))
    table = AnnotationTable.load(file)
    assert table.path.tolist() == [b'0.jpg', b'2.jpg', b'4.jpg']
    assert table.pid.tolist() == [1, 0, 1]
    (line,) = lines
    assert '2 of 5 images are left out' in line and '-1' in line


def test_flipped_identity_is_found(tmp_path):
    AnnotationTable(list('abcd'), [0, 0, 1, 1]).save(tmp_path / 'a')
    column = tmp_path / 'a' / 'pid.npy'
    content = bytearray(column.read_bytes())
    content[-4] ^= 2
    column.write_bytes(content)
    with pytest.raises(UserError, match=r'pid\.npy is damaged'):
        AnnotationTable.load(tmp_path / 'a')


@pytest.mark.parametrize('lengths', [{}, {'path': 1, 'pid': 1}])
def test_missing_column_is_named(tmp_path, lengths):
    AnnotationTable(['a'], [0]).save(tmp_path / 'a')
    (tmp_path / 'a' / 'checksums.json').unlink()
    header = {'kind': 'AnnotationTable', 'lengths': lengths}
    (tmp_path / 'a' / 'table.json').write_text(json.dumps(header))
    with pytest.raises(UserError, match='cam_id'):
        AnnotationTable.load(tmp_path / 'a')


def test_tracklets_are_identities(tmp_path):
    table = TrackletTable.from_columns(
        video_id=[0, 0, 0, 1],
        tracklet_id=[3, 3, 7, 3],
        frame=[0, 1, 0, 5],
        path=['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'],
        image_root=tmp_path,
    )
    table.save(tmp_path / 'table')
    annotation = AnnotationTable.load(tmp_path / 'table')
    assert annotation.pid.tolist() == [0, 0, 1, 2]
    assert annotation.cam_id.tolist() == [0, 0, 0, 1]
    assert annotation.path.tolist() == table.path.tolist()
    assert annotation.image_root == tmp_path


def test_tracklets_without_images_are_refused(tmp_path):
    rows = np.zeros(2, int)
    TrackletTable.from_columns(
        video_id=rows, tracklet_id=rows, frame=rows
    ).save(tmp_path / 'table')
    with pytest.raises(UserError, match='image paths'):
        AnnotationTable.load(tmp_path / 'table')
