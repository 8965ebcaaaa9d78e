import numpy as np
import pytest
from PIL import Image

from mmcion.visualization import Group, Tile, contact_sheet
from mmcion.visualization.contact_sheet import (
    FRAME,
    MARGIN,
    fit,
    heading_height,
    load_font,
    shorten,
    tile_step,
)
from mmcion.visualization.palette import GREEN, PANEL, rgb

CELL = (40, 80)
BLUE = np.full((80, 40, 3), (10, 40, 200), np.uint8)


def test_size_of_the_sheet_follows_from_its_contents():
    step = tile_step(CELL, captions=False)
    sheet = contact_sheet([Group([Tile(BLUE)] * 5)], columns=3, cell=CELL)
    assert sheet.dtype == np.uint8
    gap = step[0] - CELL[0] - 2 * FRAME
    assert sheet.shape == (
        2 * MARGIN + 2 * step[1] - gap,
        2 * MARGIN + 3 * step[0] - gap,
        3,
    )
    named = contact_sheet(
        [Group([Tile(BLUE)] * 5, 'Five')], columns=3, cell=CELL
    )
    assert len(named) - len(sheet) == heading_height('Five') > 0


def test_picture_frame_and_gap_have_their_colours():
    sheet = contact_sheet(
        [Group([Tile(BLUE, border=GREEN), Tile(BLUE)])], columns=2, cell=CELL
    )
    x, _ = tile_step(CELL, captions=False)
    middle = MARGIN + FRAME + CELL[1] // 2
    assert tuple(sheet[middle, MARGIN + FRAME + 20]) == (10, 40, 200)
    assert tuple(sheet[middle, MARGIN + 1]) == rgb(GREEN)
    assert tuple(sheet[middle, MARGIN + x + 1]) == rgb(PANEL)
    assert tuple(sheet[middle, MARGIN + x - 2]) == (255, 255, 255)


@pytest.mark.parametrize('size', [(40, 40), (20, 80), (300, 900)])
def test_aspect_ratio_is_kept(size):
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    sheet = contact_sheet([Group([Tile(picture)])], columns=1, cell=CELL)
    dark = (sheet < 20).all(axis=2)
    height, width = dark.any(axis=1).sum(), dark.any(axis=0).sum()
    assert width / height == pytest.approx(size[0] / size[1], rel=0.05)
    assert width == CELL[0] or height == CELL[1]


def test_captions_and_headings_are_written():
    plain = contact_sheet([Group([Tile(BLUE)])], columns=3, cell=CELL)
    group = Group([Tile(BLUE, 'a very long caption')], 'Identity 7')
    named = contact_sheet([group], columns=3, cell=CELL)
    heading = named[: MARGIN + heading_height('x')]
    below = named[MARGIN + heading_height('x') + CELL[1] + 2 * FRAME :]
    assert len(named) > len(plain)
    assert (heading.min(axis=2) < 100).sum() > 50
    assert (below.min(axis=2) < 180).sum() > 20
    outside = below[:, MARGIN + CELL[0] + 2 * FRAME + 1 :]
    assert (outside == 255).all()  # the caption was cut to its tile


def test_cut_texts_keep_their_start_or_their_tail():
    font = load_font(13)
    name = 'market/2019-05-01/camera-0042'
    start = shorten(name, font, 90)
    assert start.startswith('market/') and start.endswith('…')
    both = shorten(name, font, 90, tail=True)
    assert both.startswith('mar') and both.endswith('a-0042')
    assert max(font.getlength(text) for text in (start, both)) <= 90
    assert shorten('short', font, 90, tail=True) == 'short'
    assert shorten(name, font, 1) == '…'


def test_places_can_stay_free():
    group = Group([Tile(BLUE), None, Tile(BLUE)])
    sheet = contact_sheet([group], columns=3, cell=CELL)
    step, middle = tile_step(CELL, captions=False)[0], MARGIN + FRAME + 40
    centers = [MARGIN + FRAME + 20 + i * step for i in range(3)]
    found = [tuple(sheet[middle, x]) for x in centers]
    assert found == [(10, 40, 200), (255, 255, 255), (10, 40, 200)]


def test_fit_is_done_once():
    once = fit(Image.fromarray(np.zeros((37, 91, 3), np.uint8)), CELL)
    assert once.size == (40, 16)
    assert fit(once, CELL).size == once.size


def test_files_and_grey_arrays_are_read(tmp_path):
    path = tmp_path / 'a.png'
    Image.fromarray(BLUE).save(path)
    grey = np.full((80, 40), 77, np.uint8)
    tiles = [Tile(path), Tile(str(path)), Tile(grey)]
    sheet = contact_sheet([Group(tiles)], columns=3, cell=CELL)
    step, middle = tile_step(CELL, captions=False)[0], MARGIN + FRAME + 40
    centers = [MARGIN + FRAME + 20 + i * step for i in range(3)]
    found = [tuple(sheet[middle, x]) for x in centers]
    assert found == [(10, 40, 200), (10, 40, 200), (77, 77, 77)]


def test_what_cannot_be_drawn_is_named(tmp_path):
    (tmp_path / 'bad.jpg').write_text('no picture')
    for image, message in (
        (tmp_path / 'bad.jpg', r'bad\.jpg is not a readable image'),
        (tmp_path / 'gone.jpg', r'gone\.jpg is not a readable image'),
        (np.zeros((4, 4, 3)), 'must be uint8 .* got float64'),
    ):
        with pytest.raises(ValueError, match=message):
            contact_sheet([Group([Tile(image)])])
    with pytest.raises(ValueError, match='columns must be at least 1; got 0'):
        contact_sheet([], columns=0)


def test_empty_sheet_is_blank():
    assert (contact_sheet([]) == 255).all()
