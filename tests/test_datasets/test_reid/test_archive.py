import shutil

import pytest

from mmcion.datasets.reid.archive import find_archive
from mmcion.utils.checks import UserError

from .trees import touch

NAMES = ('Market-1501-v15.09.15', 'market')
LAYOUTS = (('query', 'gallery'), ('list.txt',))


def find(root):
    return find_archive(root, NAMES, LAYOUTS, 'Get it.')


def test_first_complete_layout(tmp_path):
    touch(tmp_path / 'market', 'list.txt')
    assert find(tmp_path) == (tmp_path / 'market', 1)
    touch(tmp_path / 'market', 'query/a.jpg', 'gallery/a.jpg')
    assert find(tmp_path) == (tmp_path / 'market', 0)


def test_own_folder_before_one_below(tmp_path):
    touch(tmp_path, 'list.txt', 'market/list.txt')
    assert find(tmp_path) == (tmp_path, 1)


def test_two_copies_beside_each_other(tmp_path):
    touch(tmp_path, 'market/list.txt', 'Market-1501-v15.09.15/list.txt')
    message = r'both .*/Market-1501-v15.09.15 and .*/market'
    with pytest.raises(UserError, match=message):
        find(tmp_path)
    shutil.rmtree(tmp_path / 'market')
    (tmp_path / 'market').symlink_to('Market-1501-v15.09.15')
    assert find(tmp_path)[1] == 1


@pytest.mark.parametrize('name', ['MARKET_1501_v15.09.15', 'Market'])
def test_spelling_of_the_folder(tmp_path, name):
    touch(tmp_path / name, 'list.txt')
    assert find(tmp_path)[0] == tmp_path / name


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'/no does not exist. Get it'):
        find(tmp_path / 'no')


def test_other_folder(tmp_path):
    touch(tmp_path, 'cat.jpg')
    message = r'is missing query, gallery; it has cat.jpg. .*Get it.'
    with pytest.raises(FileNotFoundError, match=message):
        find(tmp_path)


def test_half_unpacked(tmp_path):
    touch(tmp_path / 'market', 'query/a.jpg')
    message = r'market is missing gallery; it has query. .*Unpack it ag'
    with pytest.raises(FileNotFoundError, match=message):
        find(tmp_path)


def test_not_unpacked(tmp_path):
    touch(tmp_path, *(f'{n}.txt' for n in range(9)), 'Market.zip')
    message = r'and 2 more \(unpack Market.zip\)'
    with pytest.raises(FileNotFoundError, match=message):
        find(tmp_path)
