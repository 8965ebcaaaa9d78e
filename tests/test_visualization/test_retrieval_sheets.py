from pathlib import Path

import numpy as np
import pytest

from mmcion.structures import RetrievalResult
from mmcion.visualization import (
    confident_errors,
    random_queries,
    retrieval_sheet,
    worst_queries,
)
from mmcion.visualization import retrieval_sheets as module
from mmcion.visualization.palette import GREEN, GREY, INK, RED, rgb
from mmcion.visualization.ranked_list import ranked_list_column
from mmcion.visualization.retrieval_sheets import CELL, no_picture

from .small_retrieval import make_features, rank

MIDDLE = 100  # a line through the first row's pictures


@pytest.fixture
def by_hand(tmp_path):
    """Two queries: right, wrong, and a place that is free; none right."""
    features = make_features(tmp_path, people=2, cameras=2, each=2)
    # rows 0..3 are person 1, rows 4..7 person 2; even ones ask
    return RetrievalResult(
        features,
        {},
        query_rows=np.array([0, 4]),
        ap=np.array([0.75, 0.25]),
        num_matches=np.array([1, 1]),
        nearest=np.array([[3, 5, -1], [1, 3, 7]]),
        distances=np.array([[0.125, 0.25, np.nan], [0.0625, 0.5, 0.75]]),
        cmc=np.array([0.5, 0.5, 1]),
    )


@pytest.fixture
def rows_drawn(monkeypatch):
    """The rows that were handed to ``ranked_list``."""
    seen = []
    real = module.ranked_list

    def spy(queries, **options):
        seen.extend(queries)
        return real(queries, **options)

    monkeypatch.setattr(module, 'ranked_list', spy)
    return seen


def frame(picture, place):
    left, right = ranked_list_column(place, CELL)
    colors = {
        tuple(picture[MIDDLE, x].tolist()) for x in (left + 1, right - 1)
    }
    assert len(colors) == 1
    return colors.pop(), tuple(picture[MIDDLE, (left + right) // 2].tolist())


def test_frames_tell_right_and_wrong(by_hand):
    sheet = retrieval_sheet(by_hand, [0])
    assert frame(sheet.image, 0) == (rgb(INK), (60,) * 3)
    assert frame(sheet.image, 1) == (rgb(GREEN), (60,) * 3)
    assert frame(sheet.image, 2) == (rgb(RED), (90,) * 3)
    # the third place is free: the sheet is no wider than its rows
    assert sheet.image.shape[1] < ranked_list_column(3, CELL)[0]
    assert sheet.queries.tolist() == [0]
    assert sheet.remark == ''


def test_captions_tell_camera_distance_and_mark(by_hand, rows_drawn):
    retrieval_sheet(by_hand, [0, 1])
    first, second = rows_drawn
    assert first.captions == ['c2 0.125 ✓', 'c1 0.250 ✗']
    assert second.captions == ['c1 0.062 ✗', 'c2 0.500 ✗', 'c2 0.750 ✓']
    assert first.caption == '1, c1'
    assert first.heading == (
        'Person 1 from camera 1: AP 75.0%, 1 match, the first at rank 1'
    )
    assert second.heading.endswith('the first at rank 3')


def test_what_is_not_shown_is_not_told(by_hand, rows_drawn):
    retrieval_sheet(by_hand, [1], places=2)
    assert rows_drawn[0].heading.endswith('none among the first 2')
    assert len(rows_drawn[0].gallery) == 2


def test_one_camera_is_not_named(by_hand, rows_drawn):
    by_hand.features.cam_id[:] = 7
    by_hand.num_matches[0] = 0
    retrieval_sheet(by_hand, [0])
    assert rows_drawn[0].caption == '1'
    assert rows_drawn[0].captions[0] == '0.125 ✓'
    assert rows_drawn[0].heading == 'Person 1: no match in the gallery'


def test_unreadable_images_become_grey(by_hand):
    paths = by_hand.features.img_path.astype(object)
    paths[3] = '/gone/person.png'
    paths[5] = __file__  # no image
    by_hand.features.img_path = paths.astype(str)
    sheet = retrieval_sheet(by_hand, [0])
    assert frame(sheet.image, 1)[0] == rgb(GREEN)
    left, _ = ranked_list_column(1, CELL)
    assert tuple(sheet.image[60, left + 10]) == rgb(GREY)
    assert sheet.remark == (
        '2 of 3 images could not be read and are grey (the first is '
        '/gone/person.png).'
    )


def test_images_may_come_from_elsewhere(by_hand):
    asked = []

    def load(path):
        asked.append(path)
        return np.full((8, 4, 3), 200, np.uint8)

    sheet = retrieval_sheet(by_hand, [0], load=load)
    assert frame(sheet.image, 1) == (rgb(GREEN), (200,) * 3)
    assert asked == by_hand.features.img_path[[0, 3, 5]].tolist()


def test_content_of_files_will_do(by_hand):
    sheet = retrieval_sheet(
        by_hand, [0], load=lambda path: Path(path).read_bytes()
    )
    assert sheet.remark == ''
    assert frame(sheet.image, 2)[1] == (90,) * 3


def test_no_query_no_picture(by_hand):
    assert retrieval_sheet(by_hand, []).image is None


def test_choices(tmp_path):
    result = rank(make_features(tmp_path, people=10, noise=1.0))
    assert len(result.ap) == 20
    drawn = random_queries(result, 6, seed=1)
    assert drawn.tolist() == random_queries(result, 6, seed=1).tolist()
    assert drawn.tolist() != random_queries(result, 6, seed=2).tolist()
    assert len(set(drawn)) == 6
    assert len(random_queries(result, 99)) == 20
    result.num_matches[result.ap.argmin()] = 0
    worst = worst_queries(result, 3)
    assert result.ap.argmin() not in worst
    others = np.setdiff1d(np.flatnonzero(result.num_matches), worst)
    assert result.ap[worst].max() <= result.ap[others].min()
    assert (np.diff(result.ap[worst]) >= 0).all()


def test_confident_errors_are_wrong_and_nearest(by_hand):
    assert confident_errors(by_hand, 5).tolist() == [1]
    by_hand.nearest[0, 0] = 5
    assert confident_errors(by_hand, 5).tolist() == [1, 0]
    assert confident_errors(by_hand, 1).tolist() == [1]
    by_hand.num_matches[1] = 0
    by_hand.nearest[0] = -1
    assert confident_errors(by_hand, 5).tolist() == []
    by_hand.nearest = by_hand.nearest[:, :0]
    assert confident_errors(by_hand, 5).tolist() == []


def test_long_names_fit_their_tile():
    tile = no_picture('a' * 900, (40, 80))
    assert tile.shape == (80, 40, 3)
    for edge in (tile[0], tile[-1], tile[:, 0], tile[:, -1]):
        assert (edge == rgb(GREY)).all()
