import numpy as np
import pytest

from mmcion.visualization.activation_overlay import (
    activation_group,
    activation_overlay,
)


def test_warm_where_the_map_is_high():
    image = np.full((40, 20, 3), 100, np.uint8)
    heat = np.zeros((2, 1))
    heat[1] = 1
    overlay = activation_overlay(image, heat).astype(int)
    assert overlay.shape == (40, 20, 3)
    cold, warm = overlay[2, 10], overlay[-3, 10]
    assert warm.sum() > cold.sum() + 250
    assert warm[0] > warm[2]
    rows = overlay.sum(axis=2)[:, 10]
    assert (np.diff(rows[12:28]) >= 0).all()  # stretched without steps
    assert np.abs(np.diff(rows)).max() < 60


def test_image_shows_through():
    image = np.zeros((8, 4, 3), np.uint8)
    image[:, 2:] = 200
    overlay = activation_overlay(image, np.full((8, 4), 0.5)).astype(int)
    assert (overlay[:, 3] - overlay[:, 0] == 100).all()


def test_every_image_is_followed_by_its_map():
    images = np.full((2, 64, 32, 3), 120, np.uint8)
    maps = np.zeros((2, 4, 2))
    maps[1] = 1
    group = activation_group(
        images, maps, names=['a', 'b'], notes=['1', '2'], heading='best'
    )
    (tiles,) = group.sides
    assert group.heading == 'best'
    assert [tile.caption for tile in tiles] == ['a', '1', 'b', '2']
    assert tiles[0].image.getpixel((9, 9)) == (120, 120, 120)
    cold, warm = (sum(tiles[i].image.getpixel((9, 9))) for i in (1, 3))
    assert warm > cold + 250
    (tiles,) = activation_group(images, maps, names=['a', 'b']).sides
    assert [tile.caption for tile in tiles] == ['a', '', 'b', '']


def test_every_image_needs_a_map():
    images = np.zeros((2, 8, 4, 3), np.uint8)
    with pytest.raises(ValueError, match='shorter'):
        activation_group(images, np.zeros((1, 2, 2)), names=['a', 'b'])
