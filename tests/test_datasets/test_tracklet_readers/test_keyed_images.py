import re

import pytest

from mmcion.datasets.tracklet_readers.image_tree import WRONG_NAME
from mmcion.datasets.tracklet_readers.keyed_images import KeyedImages
from mmcion.utils.skip_report import SkipReport

from .trees import counts_of, make_lmdb, touch

PATTERN = re.compile(r'(\d\d)_(\d\d)')


def read(root):
    keyed, report, rows = KeyedImages(root, PATTERN), SkipReport(root), []
    keyed.read(
        lambda fields, paths: rows.extend(
            zip(fields.tolist(), paths, strict=True)
        ),
        report,
    )
    return keyed, sorted(rows), counts_of(report)


@pytest.mark.parametrize('folder', ['', 'images/'])
def test_folder_of_images(tmp_path, folder):
    touch(tmp_path, *(f'{folder}{name}.jpg' for name in ('01_02', '03_04')))
    touch(tmp_path, f'{folder}01-02.jpg')
    keyed, rows, skipped = read(tmp_path)
    assert keyed.found
    assert keyed.lmdb is None
    assert rows == [
        ([1, 2], f'{folder}01_02.jpg'.encode()),
        ([3, 4], f'{folder}03_04.jpg'.encode()),
    ]
    assert skipped == {WRONG_NAME: 1}


def test_lmdb(tmp_path):
    make_lmdb(tmp_path / 'x', {'01_02': b'jpeg', 'other': b'jpeg'})
    keyed, rows, skipped = read(tmp_path / 'x')
    assert keyed.lmdb == tmp_path / 'x'
    assert rows == [([1, 2], b'01_02')]
    assert skipped == {WRONG_NAME: 1}


def test_something_else_is_not_found(tmp_path):
    touch(tmp_path, 'a/b/01_02.jpg')
    assert not KeyedImages(tmp_path, PATTERN).found
