import itertools
import os
import re

from mmcion.datasets.tracklet_readers import image_tree
from mmcion.datasets.tracklet_readers.image_tree import (
    BROKEN_LINK,
    EMPTY_FILE,
    NO_UTF8,
    NOT_AN_IMAGE,
    OTHER_LEVEL,
    TOO_DEEP,
    find_like,
    walk_images,
)
from mmcion.utils.skip_report import SkipReport

from .trees import counts_of, touch


def test_only_the_right_level(tmp_path):
    touch(tmp_path, 'b/2.jpg', 'b/1.PNG', 'a/3.jpeg', 'top.jpg')
    touch(tmp_path, 'a/list.txt', 'a/4.jpg.part', 'a/deep/5.jpg', '.DS_Store')
    report = SkipReport(tmp_path)
    found = list(walk_images(tmp_path, 1, report))
    assert found == [('a/', ['3.jpeg']), ('b/', ['1.PNG', '2.jpg'])]
    assert counts_of(report) == {NOT_AN_IMAGE: 3, OTHER_LEVEL: 1, TOO_DEEP: 1}
    assert report.examples[TOO_DEEP] == ['a/deep']


def test_check_sizes_skips_empty_files(tmp_path):
    touch(tmp_path, '1.jpg')
    touch(tmp_path, '2.jpg', content=b'')
    (tmp_path / '3.jpg').symlink_to('nowhere')
    report = SkipReport(tmp_path)
    ((_, names),) = walk_images(tmp_path, 0, report)
    assert names == ['1.jpg', '2.jpg', '3.jpg']
    assert counts_of(report) == {}
    found = list(walk_images(tmp_path, 0, report, check_sizes=True))
    assert found == [('', ['1.jpg'])]
    assert counts_of(report) == {EMPTY_FILE: 1, BROKEN_LINK: 1}


def test_large_folders_come_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(image_tree, '_CHUNK', 2)
    touch(tmp_path, *(f'{i}.jpg' for i in range(5)))
    parts = [names for _, names in walk_images(tmp_path, 0, SkipReport(''))]
    assert sorted(map(len, parts)) == [1, 2, 2]
    assert sorted(itertools.chain(*parts)) == [f'{i}.jpg' for i in range(5)]


def test_names_that_are_not_utf8(tmp_path):
    folder = os.fsencode(tmp_path) + b'/caf\xe9'
    os.mkdir(folder)
    open(folder + b'/1.jpg', 'w').close()
    open(os.fsencode(tmp_path) + b'/\xe9.jpg', 'w').close()
    report = SkipReport(tmp_path)
    assert list(walk_images(tmp_path, 1, report)) == []
    assert counts_of(report) == {NO_UTF8: 1, NOT_AN_IMAGE: 1}
    report.save(tmp_path / 'skipped.json')  # the names can be written


def test_shallowest_name(tmp_path):
    touch(tmp_path, 'a/b/1.jpg', 'z/2.jpg', 'z/x.jpg')
    assert find_like(tmp_path, re.compile(r'\d')) == 'z/2.jpg'
    assert find_like(tmp_path, re.compile(r'\d'), max_depth=0) is None
