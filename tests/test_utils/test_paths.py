from pathlib import Path

import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.paths import path_below, path_inside, printable


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


@pytest.mark.parametrize(
    ('path', 'text'),
    [
        ('a/é 行.jpg', 'a/é 行.jpg'),
        (b'caf\xe9', r'caf\xe9'),
        ('caf\udce9', r'caf\xe9'),
        ('a\nb', r'a\nb'),
        (Path('a/b'), 'a/b'),
    ],
)
def test_printable_names(path, text):
    assert printable(path) == text
