import numpy as np
import pytest

from mmcion.visualization import activation_overlay, activation_sheet
from mmcion.visualization.activation_overlay import CELL
from mmcion.visualization.contact_sheet import tile_step


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
    plain = activation_overlay(image, np.zeros((8, 4)), strength=0)
    assert np.array_equal(plain, image)


def test_sheet_shows_image_and_map_side_by_side():
    images = np.full((3, 64, 32, 3), 120, np.uint8)
    images[1] = 30
    maps = np.zeros((3, 4, 2))
    maps[2] = 1
    sheet = activation_sheet(images, maps, names=['a', 'b', 'c'], pairs=3)
    across, down = tile_step(CELL, captions=True)
    centres = [
        tuple(sheet[down // 2, 4 + i * across + across // 2 - 5].tolist())
        for i in range(6)
    ]
    assert [centres[i] for i in (0, 2, 4)] == [
        (120,) * 3,
        (30,) * 3,
        (120,) * 3,
    ]
    assert sum(centres[5]) > sum(centres[1]) + 250
    referred = activation_sheet(
        images, maps, pairs=3, reference=np.full((64, 32, 3), 9, np.uint8)
    )
    assert referred.shape[0] > 2 * CELL[1]
    assert (referred == 9).all(axis=2).sum() >= 0.9 * CELL[0] * CELL[1]


@pytest.mark.parametrize(
    ('image', 'heat', 'options', 'message'),
    [
        (np.zeros((4, 4, 3)), np.zeros((2, 2)), {}, 'uint8; got float64'),
        (np.zeros((4, 4), np.uint8), np.zeros((2, 2)), {}, r'got uint8 \(4'),
        (np.zeros((4, 4, 3), np.uint8), np.full((2, 2), 2), {}, '2.0 to 2.0'),
        (np.zeros((4, 4, 3), np.uint8), np.zeros(4), {}, r'got \(4,\)'),
        (
            np.zeros((4, 4, 3), np.uint8),
            np.zeros((2, 2)),
            {'strength': 2},
            'strength must be in',
        ),
    ],
)
def test_mistakes(image, heat, options, message):
    with pytest.raises(ValueError, match=message):
        activation_overlay(image, heat, **options)


def test_every_image_has_a_map():
    images = np.zeros((2, 8, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r'got \[2, 1, 2, 2\]'):
        activation_sheet(images, np.zeros((1, 2, 2)))
