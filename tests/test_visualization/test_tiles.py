import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmcion.datasets.transforms import LoadImage
from mmcion.utils.checks import UserError
from mmcion.utils.image_file import UnreadableImageError
from mmcion.visualization import Tile, TileGroup, read_image, spread
from mmcion.visualization.tiles import (
    CELL,
    count_columns,
    fit,
    read_tile,
    unreadable_remark,
)

from ..test_utils.test_image_file import KINDS, make_unreadable

RED = np.full((20, 10, 3), (200, 0, 0), np.uint8)


def png(array):
    with io.BytesIO() as file:
        Image.fromarray(array).save(file, 'PNG')
        return file.getvalue()


def test_files_their_content_and_arrays_are_read(tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(png(RED))
    for image in (path, str(path), png(RED), RED):
        read = np.asarray(read_image(image, (10, 20)))
        assert np.array_equal(read, RED)
    grey = read_image(RED[..., 0])
    assert grey.size == CELL
    assert grey.getpixel((0, 0)) == (200, 200, 200)


@pytest.mark.parametrize(
    ('image', 'named'),
    [
        (__file__, 'test_tiles'),
        (png(RED)[:50], 'the file is not a readable image'),
    ],
)
def test_what_is_no_image_is_named(image, named):
    with pytest.raises(UserError, match=named):
        read_image(image)


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r'gone\.jpg'):
        read_image('gone.jpg')


@pytest.mark.parametrize(
    ('size', 'fitted'),
    [((91, 37), (40, 16)), ((10, 80), (10, 80)), ((300, 900), (27, 80))],
)
def test_aspect_ratio_is_kept(size, fitted):
    image = fit(Image.new('RGB', size), (40, 80))
    assert image.size == fitted
    assert fit(image, (40, 80)).size == fitted


def test_tiles_are_no_larger_than_their_cell():
    tile = read_tile(lambda path: RED, 'a', 'b', 'red')
    assert tile.image.size == CELL
    assert (tile.name, tile.caption, tile.border) == ('a', 'b', 'red')


def test_unreadable_images_are_counted():
    def load(path):
        raise UnreadableImageError('damaged')

    tiles = [read_tile(load, path) for path in ('a.jpg', 'b.jpg')]
    assert tiles[0].image is None
    good = Tile(read_image(RED))
    remark = unreadable_remark([TileGroup([[good], tiles]), TileGroup([])])
    assert remark.startswith('2 of 3 images could not be read')
    assert 'the first is a.jpg' in remark
    assert unreadable_remark([TileGroup([[good]])]) == ''


def test_columns_of_sides():
    def group(*counts):
        return TileGroup([[Tile(None)] * count for count in counts])

    assert count_columns([group(1, 3), group(2, 12), group()]) == [2, 10]
    assert count_columns([group(0)], 4) == [1]
    assert count_columns([]) == []


def test_spread_takes_both_ends():
    assert spread(np.arange(10), 3).tolist() == [0, 4, 9]
    assert spread(np.arange(2), 9).tolist() == [0, 1]
    assert spread(np.arange(0), 9).tolist() == []


def exif_jpeg():
    """Return a JPEG, red above blue after the turn that EXIF asks for."""
    image = Image.new('RGB', (32, 16), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 16, 16))
    exif = image.getexif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, 'jpeg', exif=exif)
    return stream.getvalue()


def png_of_16_bits():
    pixels = np.linspace(0, 65535, 32 * 16 * 3).reshape(32, 16, 3)
    return cv2.imencode('.png', pixels.astype(np.uint16))[1].tobytes()


@pytest.mark.parametrize('make', [exif_jpeg, png_of_16_bits])
def test_figures_show_what_the_model_sees(tmp_path, make):
    path = tmp_path / 'a'
    path.write_bytes(make())
    seen = LoadImage()({'img_path': str(path)})['img'].permute(1, 2, 0)
    assert seen.shape == (32, 16, 3)
    for image in (path, make()):
        shown = np.asarray(read_image(image, (16, 32)))
        assert np.array_equal(shown, seen)


@pytest.mark.parametrize('kind', KINDS)
def test_whatever_cannot_be_read_is_a_grey_tile(tmp_path, kind):
    make_unreadable(tmp_path / 'a.jpg', kind)
    tile = read_tile(str, str(tmp_path / 'a.jpg'))
    assert tile.image is None and tile.name.endswith('a.jpg')
