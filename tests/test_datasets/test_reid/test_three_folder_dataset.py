import pytest

from mmcion.utils.checks import UserError

from .trees import MARKET, build, rows_of, touch, write_tree


def test_images_with_other_names(tmp_path):
    write_tree(tmp_path, MARKET)
    touch(tmp_path / 'query', 'IMG_2034.jpg')
    message = r'1 images of .*query are not named like 0002_c1.*IMG_2034'
    with pytest.raises(UserError, match=message):
        build('Market1501', tmp_path)
    assert len(build('Market1501', tmp_path, 'train')) == 3


def test_png_and_cameras_of_two_digits(tmp_path):
    names = ('0001_c12_8.png', '0001_c1_8.PNG')
    write_tree(tmp_path, {'bounding_box_train': names})
    assert rows_of(build('Market1501', tmp_path, 'train')) == [
        ('0001_c12_8.png', 0, 11, False),
        ('0001_c1_8.PNG', 0, 0, False),
    ]


def test_only_the_folders_of_the_split_are_needed(tmp_path):
    names = MARKET['bounding_box_train']
    write_tree(tmp_path, {'bounding_box_train': names})
    assert len(build('Market1501', tmp_path, 'train')) == 3
    message = r'is missing query, bounding_box_test; it has bounding_box_train'
    with pytest.raises(FileNotFoundError, match=message):
        build('Market1501', tmp_path)
