import io

import numpy as np
import pytest
from PIL import Image

from mmcion.utils.checks import UserError
from mmcion.visualization import Tile, TileGroup, read_image, spread
from mmcion.visualization.tiles import (
    CELL,
    count_columns,
    fit,
    read_tile,
    unreadable_remark,
)

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
        (png(RED)[:50], 'the file is no readable image'),
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
        raise RuntimeError('damaged')  # decoders raise whatever they like

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


def test_spread_takes_the_middles_of_equal_parts():
    assert spread(np.arange(10), 3).tolist() == [1, 5, 8]
    assert spread(np.arange(2), 9).tolist() == [0, 1]
    assert spread(np.arange(0), 9).tolist() == []
