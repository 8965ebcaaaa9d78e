import json

import numpy as np
import pytest

from mmcion.structures import AnnotationTable


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


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[{"file_path": "a", ', 'is not a JSON file'),
        ('{"file_path": "a", "id": 1}', 'must be a list'),
        ('{}', 'must be a list'),
        ('["a", "b"]', 'must be a list'),
        ('[{"file_path": "a"}]', "failed at KeyError.'id'"),
        ('[{"file_path": 5, "id": 0}]', 'must be a list'),
    ],
)
def test_bad_json_says_what_is_wrong(tmp_path, text, message):
    file = tmp_path / 'annos.json'
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        AnnotationTable.load(file)
    assert 'annos.json' in str(error.value)


def test_missing_source(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        AnnotationTable.load(tmp_path / 'nowhere')


def test_negative_pid_is_refused():
    with pytest.raises(ValueError, match='pid must be >= 0'):
        AnnotationTable(['a', 'b'], [0, -1])


def test_lengths_are_compared():
    with pytest.raises(ValueError, match=r'2 paths, 1 pids, 1 cam_ids'):
        AnnotationTable(['a', 'b'], [0])
