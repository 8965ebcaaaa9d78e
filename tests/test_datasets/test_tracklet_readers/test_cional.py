import json

import pytest

from mmcion.datasets.listed_images import MISSING
from mmcion.datasets.tracklet_readers import read_cional
from mmcion.datasets.tracklet_readers.cional import (
    LISTED_TWICE,
    OTHER_IDENTITY,
)
from mmcion.utils.checks import UserError

from .trees import counts_of, touch


@pytest.fixture
def annotation(tmp_path):
    items = [
        ('sec0/a.jpg', 3),
        ('sec0/b.jpg', 3),
        ('sec1/c.jpg', 5),
        ('sec1/d.jpg', 9),
    ]
    touch(tmp_path, *(path for path, _ in items))

    def write(*more):
        file = tmp_path / 'cional_annos.json'
        file.write_text(
            json.dumps([{'id': i, 'file_path': p} for p, i in (*items, *more)])
        )
        return file

    return write


def test_rows_stay_in_order(annotation, tmp_path):
    table, report = read_cional(annotation(), tmp_path)
    assert table.path.tolist()[::3] == [b'sec0/a.jpg', b'sec1/d.jpg']
    assert table.pid.tolist() == [0, 0, 1, 2]
    assert table.image_root == tmp_path
    assert counts_of(report) == {}
    assert report.notes == [
        '4 images, published are 3,898,086',
        '3 identities, published are 246,904',
    ]


def test_repeated_paths(annotation):
    table, report = read_cional(
        annotation(('sec0/b.jpg', 3), ('sec0/a.jpg', 11))
    )
    # id 11 has no image left
    assert table.pid.tolist() == [0, 0, 1, 2]
    assert counts_of(report) == {LISTED_TWICE: 1, OTHER_IDENTITY: 1}
    assert 'no image was checked' in report.notes[0]


def test_missing_files(annotation, tmp_path):
    file = annotation()
    (tmp_path / 'sec1' / 'c.jpg').unlink()
    with pytest.raises(UserError, match=r'sec1/c\.jpg'):
        read_cional(file, tmp_path)
    table, report = read_cional(file, tmp_path, check_files=True)
    assert table.pid.tolist() == [0, 0, 1]
    assert counts_of(report) == {MISSING: 1}


def test_mistakes(annotation, tmp_path):
    with pytest.raises(UserError, match='give the folder of the images'):
        read_cional(annotation(), check_files=True)
    empty = tmp_path / 'empty.json'
    empty.write_text('[]')
    with pytest.raises(UserError, match='lists no images'):
        read_cional(empty)
    with pytest.raises(FileNotFoundError):
        read_cional(tmp_path / 'none.json')
