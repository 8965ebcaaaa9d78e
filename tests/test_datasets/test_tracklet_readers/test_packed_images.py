import pytest

from mmcion.datasets.tracklet_readers.image_tree import OTHER_LEVEL
from mmcion.datasets.tracklet_readers.packed_images import (
    by_folder,
    find_packed,
    stem,
)
from mmcion.utils.skip_report import SkipReport

from .trees import counts_of, make_lmdb


@pytest.mark.parametrize(
    ('path', 'name'),
    [(b'a/b.jpg', 'b'), (b'b', 'b'), (b'a/b.c', 'b.c'), (b'.jpg', '.jpg')],
)
def test_names_without_folders_and_suffix(path, name):
    assert stem(path) == name


def test_images_come_folder_by_folder():
    report = SkipReport('x')
    parts = iter([[b'b/2.jpg', b'a/1.jpg'], [b'b/1.jpg', b'a/c/1.jpg']])
    assert list(by_folder(parts, 1, report)) == [
        ('a', ['1'], [b'a/1.jpg']),
        ('b', ['1', '2'], [b'b/1.jpg', b'b/2.jpg']),
    ]
    assert counts_of(report) == {OTHER_LEVEL: 1}


def test_what_is_packed(tmp_path):
    (tmp_path / 'tars').mkdir()
    (tmp_path / 'tars' / 'a.tar').touch()
    make_lmdb(tmp_path / 'in' / 'lmdb', ['a'])
    assert find_packed(tmp_path / 'tars') == tmp_path / 'tars'
    assert find_packed(tmp_path / 'in') == tmp_path / 'in' / 'lmdb'
    assert find_packed(tmp_path) is None
