import cv2
import numpy as np
import pytest

from mmcion.visualization.dataset_sheet import count_parts, dataset_sheet
from mmcion.visualization.palette import BLUE, LINE, ORANGE, RED, rgb

CELL = (24, 48)
# pid, camera, query; the colour of an image says its row
ROWS = [
    (1, 0, True),
    (1, 1, True),
    *((1, camera, False) for camera in (0, 0, 0, 1, 1, 2)),
    (2, 0, True),
    (2, 3, False),
    (0, 1, False),
    (9, 1, False),
    (-1, 2, False),
    (-1, 2, False),
]
PID, CAM, QUERY = (np.array(column) for column in zip(*ROWS, strict=True))
PICTURES = [
    np.full((48, 24, 3), (10, 100 + 10 * row, 200), np.uint8)
    for row in range(len(ROWS))
]


def draw(pictures=PICTURES, pid=PID, cam_id=CAM, is_query=QUERY, **options):
    return dataset_sheet(pictures, pid, cam_id, is_query, cell=CELL, **options)


def shown(sheet):
    """Return the rows of images on a sheet, line by line."""
    inside = (sheet[..., 0] == 10) & (sheet[..., 2] == 200)
    count, label, _, center = cv2.connectedComponentsWithStats(
        inside.astype(np.uint8)
    )
    lines = {}
    for one in range(1, count):
        green = int(np.median(sheet[..., 1][label == one]))
        x, y = center[one].round().astype(int)
        lines.setdefault(y, []).append((x, (green - 100) // 10))
    return [[row for _, row in sorted(lines[y])] for y in sorted(lines)]


def framed(sheet, row):
    """Return the colour left of an image."""
    inside = (sheet == PICTURES[row][0, 0]).all(axis=2)
    y, x = (int(each) for each in np.argwhere(inside)[0])
    return tuple(sheet[y + 5, x - 2])


def test_counts_by_part():
    assert count_parts(PID, CAM, QUERY) == [
        ('query', 3, 2, 2),
        ('gallery', 9, 4, 4),
        ('of which distractors', 2, 2, 1),
        ('junk, left out', 2, None, 1),
    ]
    nobody = np.zeros(len(PID), bool)
    assert count_parts(PID, CAM, nobody) == [
        ('training', 12, 4, 4),
        ('junk, left out', 2, None, 1),
    ]
    unknown = np.full(2, -1)
    assert count_parts(np.array([1, 2]), unknown, np.array([True, True])) == [
        ('query', 2, 2, None),
        ('gallery', 0, None, None),
    ]


def test_a_row_for_each_person_then_distractors_and_junk():
    sheet = draw(images=8)
    one, two, distractors, junk = shown(sheet)
    assert one[:2] == [0, 1] and sorted(one) == list(range(8))
    assert two == [8, 9]
    assert sorted(distractors) == [10, 11]
    assert sorted(junk) == [12, 13]
    for row, color in ((0, BLUE), (3, LINE), (10, ORANGE), (12, RED)):
        assert framed(sheet, row) == rgb(color)


def test_all_cameras_are_shown_before_one_is_shown_again():
    for seed in range(5):
        (one, *_) = shown(draw(images=4, seed=seed))
        assert one[:2] == [0, 1]
        assert len({CAM[row] for row in one[2:]}) == 2
        (one, *_) = shown(draw(images=6, seed=seed))
        assert {CAM[row] for row in one[2:]} == {0, 1, 2}


def test_people_are_drawn_by_the_seed():
    pid, size = np.arange(30), 30
    pictures = [np.zeros((4, 2, 3), np.uint8)] * size
    columns = (pictures, pid, np.zeros(size, int), np.zeros(size, bool))
    first = dataset_sheet(*columns, people=3, cell=CELL)
    again = dataset_sheet(*columns, people=3, cell=CELL)
    other = dataset_sheet(*columns, people=3, cell=CELL, seed=1)
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


@pytest.mark.parametrize('images', [1, 2, 12])
@pytest.mark.parametrize('title', ['', 'a title ' * 40])
def test_nothing_touches_the_border(images, title):
    sheet = draw(images=images, title=title, subtitle=title)
    edge = 20
    for side in (
        sheet[:edge],
        sheet[-edge:],
        sheet[:, :edge],
        sheet[:, -edge:],
    ):
        assert (side == 255).all()


def test_only_what_is_shown_is_opened(tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.zeros((8, 4, 3), np.uint8))
    paths = np.array([str(path), *[str(tmp_path / 'no.png')] * 5])
    pids = [4, 5, 5, 5, 5, 5]
    queries = [True, *[False] * 5]
    with pytest.raises(ValueError, match=r'no\.png is not a readable image'):
        dataset_sheet(paths, pids, [0] * 6, queries)
    dataset_sheet(paths[:1], pids[:1], [0], queries[:1])
    opened = []

    class Pictures(list):
        def __getitem__(self, row):
            opened.append(row)
            return super().__getitem__(row)

    draw(Pictures(PICTURES), images=2, people=1)
    assert len(opened) == len(set(opened)) <= 6


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'pid': PID[1:]}, 'same length; got 14 of img_path, 13 of pid'),
        (
            {
                'pictures': [],
                'pid': PID[:0],
                'cam_id': PID[:0],
                'is_query': PID[:0],
            },
            'no image to show',
        ),
        ({'people': 0}, 'people must be at least 1; got 0'),
        ({'images': -1}, 'images must be at least 1; got -1'),
    ],
)
def test_mistakes(change, message):
    with pytest.raises(ValueError, match=message):
        draw(**change)
