import os

import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.paths import (
    is_utf8,
    path_below,
    path_inside,
    printable,
    safe_name,
    utf8_path,
)


@pytest.mark.parametrize('name', ['a.jpg', 'a/b.jpg', '..a/b..', './a'])
def test_paths_below_a_folder(tmp_path, name):
    assert path_below(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize('join', [path_below, path_inside])
@pytest.mark.parametrize('name', ['', '.', '/etc', '..', 'a/../../b', 'a/..'])
def test_nothing_leads_outside(tmp_path, join, name):
    with pytest.raises(UserError, match=repr(name)):
        join(tmp_path, name)


def test_file_names_have_one_part(tmp_path):
    assert path_inside(tmp_path, 'a.jpg') == tmp_path / 'a.jpg'
    with pytest.raises(UserError, match='a/b'):
        path_inside(tmp_path, 'a/b.jpg')


def test_names_that_are_not_utf8():
    name = os.fsdecode(b'a/caf\xe9.avi')
    assert not is_utf8(name)
    assert printable(name) == printable(os.fsencode(name)) == r'a/caf\xe9.avi'
    with pytest.raises(UserError, match=r'caf\\xe9\.avi is not UTF-8'):
        utf8_path(name)
    assert utf8_path('café\n.avi') == 'café\n.avi'


def test_messages_stay_in_one_line():
    assert printable('café\n\x1b 1.avi') == r'café\n\x1b 1.avi'


def test_any_name_becomes_a_file_name(tmp_path):
    given = ['a b', 'é', '.', '..', 'a/b', 'a%2Fb', '\n', '\0', '\udce9']
    names = [safe_name(name) for name in given]
    assert names[:5] == ['a b', 'é', '%2E', '%2E.', 'a%2Fb']
    assert len({*names}) == len(given)
    for name in names:
        assert path_inside(tmp_path, name).name == name
        (tmp_path / name).touch()
    assert len([*tmp_path.iterdir()]) == len(given)
