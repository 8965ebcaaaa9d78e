import numpy as np
import pytest

from mmcion.structures import RetrievalResult
from mmcion.visualization.retrieval_tiles import (
    confident_errors,
    random_queries,
    ranked_groups,
    worst_queries,
)

from .small_retrieval import make_features, rank


@pytest.fixture
def by_hand(tmp_path):
    """Two queries: match, other, free place; other, other, match."""
    features = make_features(tmp_path, identities=2, cameras=2, each=2)
    # rows 0..3 are identity 1, rows 4..7 identity 2; even ones are queries
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


def captions(side):
    return [tile.caption for tile in side]


def test_borders_mark_matches_and_errors(by_hand):
    (group,) = ranked_groups(by_hand, [0])
    (query,), gallery = group.sides
    assert query.border == 'ink'
    assert [tile.border for tile in gallery] == ['green', 'red']
    colors = [tile.image.getpixel((5, 5))[0] for tile in (query, *gallery)]
    assert colors == [60, 60, 90]  # the third place is free


def test_captions_have_camera_distance_and_mark(by_hand):
    first, second = ranked_groups(by_hand, [0, 1])
    assert captions(first.sides[0]) == ['1, c1']
    assert captions(first.sides[1]) == ['c2 0.125 ✓', 'c1 0.250 ✗']
    assert captions(second.sides[1]) == [
        'c1 0.062 ✗',
        'c2 0.500 ✗',
        'c2 0.750 ✓',
    ]
    assert first.heading == (
        'Identity 1 from camera 1: AP 75.0%, 1 match, the first at rank 1'
    )
    assert second.heading.endswith('the first at rank 3')


def test_ranks_beyond_topk_are_not_mentioned(by_hand):
    (group,) = ranked_groups(by_hand, [1], topk=2)
    assert group.heading.endswith('none among the first 2')
    assert len(group.sides[1]) == 2


def test_a_single_camera_is_not_named(by_hand):
    by_hand.features.cam_id[:] = 7
    by_hand.num_matches[0] = 0
    (group,) = ranked_groups(by_hand, [0])
    assert captions(group.sides[0]) == ['1']
    assert captions(group.sides[1])[0] == '0.125 ✓'
    assert group.heading == 'Identity 1: no match in the gallery'


def test_unreadable_images_keep_their_name(by_hand):
    paths = by_hand.features.img_path.astype(object)
    paths[3] = '/gone/person.png'
    by_hand.features.img_path = paths.astype(str)
    (group,) = ranked_groups(by_hand, [0])
    tile = group.sides[1][0]
    assert tile.image is None
    assert (tile.name, tile.border) == ('/gone/person.png', 'green')


def test_choices(tmp_path):
    result = rank(make_features(tmp_path, identities=10, noise=1.0))
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
