import numpy as np
import pytest

from mmcion.datasets.listed_images import (
    MISSING,
    existing_images,
    find_missing,
)
from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport

from .test_tracklet_readers.trees import counts_of, touch

PATHS = np.array([b'a/1.jpg', b'b/2.jpg', b'a/3.jpg', b'4.jpg', b'c/5.jpg'])


def test_check_of_all_images(tmp_path):
    touch(tmp_path, 'a/1.jpg', 'a/3.jpg', '4.jpg', 'c')
    (tmp_path / 'b' / '2.jpg').mkdir(parents=True)
    report = SkipReport('')
    there = existing_images(tmp_path, PATHS, report, every=True)
    assert there.tolist() == [True, False, True, True, False]
    assert counts_of(report) == {MISSING: 2}
    assert find_missing(tmp_path, PATHS).tolist() == [1, 4]
    assert report.examples[MISSING] == ['b/2.jpg', 'c/5.jpg']


def test_paths_from_the_root_of_the_disk(tmp_path):
    touch(tmp_path, '1.jpg')
    path = np.array([str(tmp_path / '1.jpg').encode()])
    for every in (True, False):
        assert existing_images(
            tmp_path / '..', path, SkipReport(''), every=every
        ).all()


def test_all_missing(tmp_path):
    with pytest.raises(UserError, match='5 of 5 images'):
        existing_images(tmp_path, PATHS, SkipReport(''), every=True)


def test_sample(tmp_path):
    touch(tmp_path, *(path.decode() for path in PATHS[:4]))
    with pytest.raises(UserError, match=r'1 of 5 images .*c/5\.jpg'):
        existing_images(tmp_path, PATHS, SkipReport(''), every=False)
    touch(tmp_path, 'c/5.jpg')
    assert existing_images(tmp_path, PATHS, SkipReport(''), every=False).all()


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        existing_images(tmp_path / 'x', PATHS, SkipReport(''), every=False)
