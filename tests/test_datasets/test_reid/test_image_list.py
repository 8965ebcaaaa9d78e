import re

import pytest

from mmcion.datasets.reid.image_list import check_listed, read_image_list
from mmcion.utils.checks import UserError

from .trees import touch

LINE = re.compile(r'(\S+) (\d+)')


def read(root):
    return read_image_list(root / 'list.txt', root, LINE, 'a.jpg 0')


def test_groups_of_every_line(tmp_path):
    touch(tmp_path, 'a.jpg', 'b.jpg')
    (tmp_path / 'list.txt').write_text('a.jpg 7\r\n\n b.jpg 8 \n')
    assert read(tmp_path) == [('a.jpg', '7'), ('b.jpg', '8')]


def test_wrong_line(tmp_path):
    (tmp_path / 'list.txt').write_text('\na.jpg\n')
    message = r"list.txt, line 2 must be like \"a.jpg 0\"; got 'a.jpg'"
    with pytest.raises(UserError, match=message):
        read(tmp_path)


def test_missing_image(tmp_path):
    (tmp_path / 'list.txt').write_text('a.jpg 7\n')
    with pytest.raises(FileNotFoundError, match=r'1 of 1 images .*list.txt'):
        read(tmp_path)


def test_listed_images_must_exist(tmp_path):
    touch(tmp_path, '0/a.jpg', '0/b.jpg')
    check_listed(tmp_path, ['0/a.jpg', '0/b.jpg'], 'list.txt')
    message = r'2 of 3 images in list\.txt .*such as .*/0/c\.jpg'
    with pytest.raises(FileNotFoundError, match=message):
        check_listed(tmp_path, ['0/a.jpg', '0/c.jpg', '1/a.jpg'], 'list.txt')


def test_byte_order_mark_and_other_encodings(tmp_path):
    touch(tmp_path, 'a.jpg')
    (tmp_path / 'list.txt').write_text('\ufeffa.jpg 7\n', 'utf-8')
    assert read(tmp_path) == [('a.jpg', '7')]
    (tmp_path / 'list.txt').write_text('a.jpg 7\n', 'utf-16')
    with pytest.raises(UserError, match='UTF-16'):
        read(tmp_path)
