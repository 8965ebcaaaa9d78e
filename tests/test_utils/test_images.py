import cv2
import numpy as np
import pytest

from mmcion.utils.images import IMAGE_SUFFIXES, is_image_name, list_images


@pytest.fixture
def folder(tmp_path):
    """Return a folder of nested, hidden and other files."""
    for name in (
        'b.png',
        'B.JPG',
        'a/2.jpg',
        'a/10.jpg',
        'a-b/1.jpg',
        'ü.webp',
        'a/notes.txt',
        'a/._2.jpg',
        '.thumbnails/b.png',
        'jpg',
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (tmp_path / 'folder.png').mkdir()
    return tmp_path


def test_paths_are_sorted_by_bytes(folder):
    found = list_images(folder)
    assert found == [
        'B.JPG',
        'a-b/1.jpg',
        'a/10.jpg',
        'a/2.jpg',
        'b.png',
        'ü.webp',
    ]
    assert found == sorted(found, key=str.encode)


def test_one_level(folder):
    assert list_images(folder / 'a', recursive=False) == ['10.jpg', '2.jpg']
    assert list_images(folder, recursive=False) == ['B.JPG', 'b.png', 'ü.webp']


def test_folder_without_an_image(folder):
    (folder / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'empty.*\.png.*Unpack it'):
        list_images(folder / 'empty', hint='Unpack it.')


def test_folder_that_does_not_exist(folder):
    with pytest.raises(FileNotFoundError, match='gone'):
        list_images(folder / 'gone')


@pytest.mark.parametrize('suffix', sorted(IMAGE_SUFFIXES))
def test_images_of_every_suffix_can_be_decoded(suffix):
    assert is_image_name(f'a{suffix.upper()}')
    image = np.full((4, 5, 3), 9, np.uint8)
    _, data = cv2.imencode(suffix, image)
    assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape == image.shape


@pytest.mark.parametrize('name', ['a.mp4', 'jpg', '._a.jpg', '.jpg', 'a.gif'])
def test_other_files(name):
    assert not is_image_name(name)
