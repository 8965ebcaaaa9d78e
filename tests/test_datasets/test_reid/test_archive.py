import shutil

import pytest

from mmcion.datasets.reid.archive import (
    check_listed,
    find_archive,
    list_images,
)

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
    message = r'both .*/Market-1501-v15.09.15 and .*/market are complete; set'
    with pytest.raises(ValueError, match=message):
        find(tmp_path)
    shutil.rmtree(tmp_path / 'market')
    (tmp_path / 'market').symlink_to('Market-1501-v15.09.15')
    assert find(tmp_path)[1] == 1


@pytest.mark.parametrize('name', ['MARKET_1501_v15.09.15', 'Market'])
def test_spelling_of_the_folder(tmp_path, name):
    touch(tmp_path / name, 'list.txt')
    assert find(tmp_path)[0] == tmp_path / name


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no folder .*/no. Get it'):
        find(tmp_path / 'no')


def test_nothing_of_it(tmp_path):
    touch(tmp_path, 'cat.jpg')
    message = r'lacks query, gallery; it has cat.jpg. Looked in .*. Get it.'
    with pytest.raises(FileNotFoundError, match=message):
        find(tmp_path)


def test_half_unpacked(tmp_path):
    touch(tmp_path / 'market', 'query/a.jpg')
    message = r'market lacks gallery; it has query. Looked in .*Unpack it aga'
    with pytest.raises(FileNotFoundError, match=message):
        find(tmp_path)


def test_not_unpacked(tmp_path):
    touch(tmp_path, *(f'{n}.txt' for n in range(9)), 'Market.zip')
    message = r'and 2 more \(unpack Market.zip\)'
    with pytest.raises(FileNotFoundError, match=message):
        find(tmp_path)


def test_images_are_sorted_and_others_left_out(tmp_path):
    touch(
        tmp_path, 'b.jpg', 'a.PNG', '._a.jpg', 'Thumbs.db', 'c.bmp', 'd.webp'
    )
    assert list_images(tmp_path) == [
        'a.PNG',
        'b.jpg',
        'c.bmp',
        'd.webp',
    ]


def test_folder_without_images(tmp_path):
    touch(tmp_path, 'query/a.jpg')
    message = r'holds no image .*; it has query. Has the archive'
    with pytest.raises(FileNotFoundError, match=message):
        list_images(tmp_path)


def test_listed_images_must_exist(tmp_path):
    touch(tmp_path, '0/a.jpg', '0/b.jpg')
    check_listed(tmp_path, ['0/a.jpg', '0/b.jpg'], 'list.txt')
    message = r'2 of 3 images that list.txt names .*such as .*/0/c.jpg. Has'
    with pytest.raises(FileNotFoundError, match=message):
        check_listed(tmp_path, ['0/a.jpg', '0/c.jpg', '1/a.jpg'], 'list.txt')
