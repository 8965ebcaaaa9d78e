import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.visualization import DatasetPart, ReIDLabels, dataset_groups

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


def shade(row):
    return np.full((48, 24, 3), 10 * row, np.uint8)


def make_labels(pid=PID, cam_id=CAM, is_query=QUERY):
    return ReIDLabels(pid, cam_id, is_query)


def shown(groups):
    """Return the rows of images, line by line."""
    return [
        [tile.image.getpixel((0, 0))[0] // 10 for tile in group.sides[0]]
        for group in groups
    ]


def test_counts_of_parts():
    assert make_labels().count_parts() == [
        DatasetPart('query', 3, 2, 2),
        DatasetPart('gallery', 9, 4, 4),
        DatasetPart('of which distractors', 2, 2, 1),
        DatasetPart('junk, ignored', 2, None, 1),
    ]
    training = make_labels(is_query=np.zeros(len(PID)))
    assert training.count_parts() == [
        DatasetPart('training', 12, 4, 4),
        DatasetPart('junk, ignored', 2, None, 1),
    ]
    unknown = make_labels(pid=[1, 2], cam_id=[-1, -1], is_query=[True, True])
    assert unknown.count_parts() == [
        DatasetPart('query', 2, 2, None),
        DatasetPart('gallery', 0, None, None),
    ]


def test_a_group_for_each_identity_then_distractors_and_junk():
    groups = dataset_groups(make_labels(), shade)
    one, two, distractors, junk = shown(groups)
    assert one[:2] == [0, 1] and sorted(one) == list(range(8))
    assert two == [8, 9]
    assert sorted(distractors) == [10, 11]
    assert sorted(junk) == [12, 13]
    borders = [[tile.border for tile in g.sides[0]] for g in groups]
    assert borders[1:] == [
        ['blue', 'line'],
        ['orange', 'orange'],
        ['red', 'red'],
    ]
    assert [tile.caption for tile in groups[1].sides[0]] == [
        'query, cam 0',
        'cam 3',
    ]
    assert [group.heading for group in groups] == [
        'identity 1: 2 queries, 6 in the gallery; cameras 0, 1, 2',
        'identity 2: 1 query, 1 in the gallery; cameras 0, 3',
        'distractors: 2 images of 2 identities that no query has',
        'junk: 2 images, ignored everywhere',
    ]


@pytest.mark.parametrize(
    ('cam_id', 'text'),
    [
        ([-1] * 12, 'cameras unknown'),
        ([5] * 12, 'camera 5'),
        (range(12), '12 cameras'),
    ],
)
def test_a_training_set_has_no_queries(cam_id, text):
    labels = make_labels(pid=[1] * 12, cam_id=cam_id, is_query=[False] * 12)
    (group,) = dataset_groups(labels, shade)
    assert group.heading == f'identity 1: 12 images; {text}'
    assert {tile.border for tile in group.sides[0]} == {'line'}


def test_all_cameras_are_shown_before_one_is_shown_again():
    for seed in range(5):
        one, *_ = shown(
            dataset_groups(make_labels(), shade, images=4, seed=seed)
        )
        assert one[:2] == [0, 1]
        assert len({CAM[row] for row in one[2:]}) == 2
        one, *_ = shown(
            dataset_groups(make_labels(), shade, images=6, seed=seed)
        )
        assert {CAM[row] for row in one[2:]} == {0, 1, 2}


def test_identities_are_drawn_by_the_seed():
    pid, zeros = np.arange(20), np.zeros(20)
    labels = make_labels(pid=pid, cam_id=zeros, is_query=zeros)
    first, again, other = (
        shown(dataset_groups(labels, shade, identities=3, seed=seed))
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(first) == 3


def test_only_what_is_shown_is_read():
    read = []

    def load(row):
        read.append(row)
        return shade(row)

    dataset_groups(make_labels(), load, images=2, identities=1)
    assert len(read) == len(set(read)) <= 6


def test_a_missing_image_is_named():
    groups = dataset_groups(make_labels(), lambda row: 'no.png')
    tiles = [tile for group in groups for tile in group.sides[0]]
    assert {tile.image for tile in tiles} == {None}
    assert all('no.png' in tile.name for tile in tiles)


def test_labels_that_are_refused():
    with pytest.raises(UserError, match='pid 13'):
        make_labels(pid=PID[1:])
    with pytest.raises(UserError, match='no image'):
        dataset_groups(make_labels([], [], []), shade)


@pytest.mark.parametrize('name', ['identities', 'images'])
def test_numbers_that_are_refused(name):
    with pytest.raises(UserError, match=f'{name} .* 0'):
        dataset_groups(make_labels(), shade, **{name: 0})
