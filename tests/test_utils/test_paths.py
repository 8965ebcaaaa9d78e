import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.paths import path_below, path_inside


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
