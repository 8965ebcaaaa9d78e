import numpy as np
import pytest
from PIL import Image

from mmcion.utils.checks import UserError
from mmcion.visualization import (
    Tile,
    TileGroup,
    image_format,
    image_grid,
    save_image,
)
from mmcion.visualization.image_grid import (
    BORDER,
    CAPTION,
    GAP,
    HEADING,
    MARGIN,
    NOTE,
    SIDE_GAP,
)
from mmcion.visualization.palette import COLORS

CELL = (40, 80)
STEP = CELL[0] + 2 * BORDER + GAP, CELL[1] + 2 * BORDER + GAP
WHITE = (255, 255, 255)


def rgb(name):
    return tuple(bytes.fromhex(COLORS[name][1:]))


def plain(value, **options):
    return Tile(Image.new('RGB', CELL, (value, 0, 0)), **options)


def draw(*groups, **options):
    return np.asarray(image_grid(groups, cell=CELL, **options))


def centre(grid, column, line=0, top=MARGIN, left=MARGIN):
    """Return the colour in the middle of a tile."""
    x = left + column * STEP[0] + BORDER + CELL[0] // 2
    return tuple(grid[top + line * STEP[1] + BORDER + CELL[1] // 2, x])


def test_tiles_fill_lines():
    grid = draw(TileGroup([[plain(i) for i in range(5)]]), columns=3)
    assert grid.shape == (
        2 * MARGIN + 2 * STEP[1],
        2 * MARGIN + 3 * STEP[0] - GAP,
        3,
    )
    for i in range(5):
        assert centre(grid, i % 3, i // 3) == (i, 0, 0)
    assert centre(grid, 2, 1) == WHITE


def test_sides_are_aligned_between_groups():
    grid = draw(
        TileGroup([[plain(1)], [plain(2), plain(3)]]),
        TileGroup([[plain(4), plain(5)], [plain(6)]]),
    )
    second = MARGIN + 2 * STEP[0] + SIDE_GAP
    assert centre(grid, 0) == (1, 0, 0)
    assert centre(grid, 1) == WHITE  # the first side is shorter here
    assert centre(grid, 0, left=second) == (2, 0, 0)
    assert centre(grid, 1, line=1) == (5, 0, 0)
    assert centre(grid, 0, line=1, left=second) == (6, 0, 0)


def test_borders_and_gaps_have_their_colours():
    grid = draw(TileGroup([[plain(9, border='green'), plain(9)]]))
    middle = MARGIN + STEP[1] // 2
    assert tuple(grid[middle, MARGIN + 1]) == rgb('green')
    assert tuple(grid[middle, MARGIN + STEP[0] + 1]) == rgb('panel')
    assert tuple(grid[middle, MARGIN + STEP[0] - GAP // 2]) == WHITE


@pytest.mark.parametrize('size', [(40, 40), (20, 80), (300, 900)])
def test_aspect_ratio_is_kept(size):
    grid = draw(TileGroup([[Tile(Image.new('RGB', size))]]))
    dark = (grid < 20).all(axis=2)
    height, width = dark.any(axis=1).sum(), dark.any(axis=0).sum()
    assert width / height == pytest.approx(size[0] / size[1], rel=0.05)
    assert width == CELL[0] or height == CELL[1]


def test_unreadable_images_are_grey():
    grid = draw(TileGroup([[Tile(None)]]))
    assert centre(grid, 0) == rgb('grey')


def test_headings_and_notes_stand_above_their_tiles():
    plainly = draw(TileGroup([[plain(1)] * 3]))
    grid = draw(TileGroup([[plain(1)] * 3], 'Identity 7', 'one\ntwo'))
    above = HEADING + 2 * NOTE + GAP
    assert len(grid) == len(plainly) + above
    assert centre(grid, 0, top=MARGIN + above) == (1, 0, 0)
    for start, height in (
        (0, HEADING),
        (HEADING, NOTE),
        (HEADING + NOTE, NOTE),
    ):
        line = grid[MARGIN + start : MARGIN + start + height]
        assert (line.min(axis=2) < 150).sum() > 20


@pytest.mark.parametrize('heading', ['', 'a heading ' * 30])
def test_nothing_touches_the_border(heading):
    grid = draw(TileGroup([[plain(1, caption='long caption')]], heading))
    edge = MARGIN - 2
    for side in (grid[:edge], grid[-edge:], grid[:, :edge], grid[:, -edge:]):
        assert (side == 255).all()


def test_captions_are_cut_to_their_tile():
    caption = 'market/2019-05-01/camera-0042'
    grid = draw(TileGroup([[plain(1, caption=caption), plain(2)]]))
    below = grid[MARGIN + CELL[1] + 2 * BORDER :][:CAPTION]
    written = (below.min(axis=2) < 200).any(axis=0)
    left, right = np.flatnonzero(written)[[0, -1]]
    assert MARGIN <= left < right <= MARGIN + STEP[0] - GAP
    # the end of the caption is kept: names often differ in it only
    other = draw(TileGroup([[plain(1, caption=f'{caption[:-1]}7'), plain(2)]]))
    assert (grid != other).any()


def test_empty_grid_is_blank():
    assert (draw() == 255).all()


def test_grid_is_written(tmp_path):
    image = image_grid([TileGroup([[plain(7)]])])
    save_image(image, tmp_path / 'new' / 'a.png')
    found = Image.open(tmp_path / 'new' / 'a.png')
    assert np.array_equal(np.asarray(found), np.asarray(image))


def test_suffix_decides_the_format(tmp_path):
    assert image_format('a/b.JPG') == 'JPEG'
    for name in ('a.txt', 'png', 'a'):
        with pytest.raises(UserError, match=name):
            image_format(name)
        with pytest.raises(UserError, match=name):
            save_image(Image.new('RGB', (2, 2)), tmp_path / name)


@pytest.mark.parametrize('name', ['a\nb', '\udce9', '日本', '\x00', '\u202e'])
def test_any_name_is_drawn(name):
    group = TileGroup([[plain(1, caption=name)]], name, f'{name}\n{name}')
    ordinary = TileGroup([[plain(1, caption='x')]], 'x', 'x\nx')
    # a line break in a note begins a line, in other texts it is a blank
    lines = 1 + name.count('\n')
    expected = len(draw(ordinary)) + 2 * (lines - 1) * NOTE
    assert len(draw(group)) == expected
