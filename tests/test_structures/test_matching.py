import numpy as np
import pytest

from mmcion.structures.matching import (
    explain_no_match,
    rows_of_same_identity,
    split_by_camera,
)


def rows_by_query(found):
    return [part.tolist() for part in np.split(found.values, found.ptr[1:-1])]


@pytest.mark.parametrize('seed', range(4))
def test_equals_a_loop(seed):
    rng = np.random.default_rng(seed)
    q_pids, g_pids = rng.integers(9, size=12), rng.integers(7, size=30)
    found = rows_of_same_identity(q_pids, g_pids)
    expected = [np.flatnonzero(g_pids == pid).tolist() for pid in q_pids]
    assert rows_by_query(found) == expected
    assert found.keys.tolist() == [
        query for query, rows in enumerate(expected) for _ in rows
    ]

    keep = rng.random(len(found.values)) < 0.5
    kept = found.select(keep)
    pairs = [
        (query, row)
        for (query, row), is_kept in zip(
            zip(found.keys, found.values, strict=True), keep, strict=True
        )
        if is_kept
    ]
    assert list(zip(kept.keys, kept.values, strict=True)) == pairs
    assert rows_by_query(kept.slice(3, 7)) == rows_by_query(kept)[3:7]


@pytest.mark.parametrize('ignored_cams', [None, {3: {2}}, {0: {0, 1}, 1: {3}}])
def test_matches_and_ignored(ignored_cams):
    rng = np.random.default_rng(0)
    q_pids, g_pids = rng.integers(9, size=30), rng.integers(7, size=80)
    q_cams, g_cams = rng.integers(4, size=30), rng.integers(4, size=80)
    same = rows_of_same_identity(q_pids, g_pids)
    matches, ignored = split_by_camera(same, q_cams, g_cams, ignored_cams)
    for query, rows in enumerate(rows_by_query(same)):
        camera = q_cams[query]
        own = {camera} if ignored_cams is None else {}
        cams = own or ignored_cams.get(camera, ())
        left_out = [row for row in rows if g_cams[row] in cams]
        assert rows_by_query(ignored)[query] == left_out
        kept = [row for row in rows if row not in left_out]
        assert rows_by_query(matches)[query] == kept


@pytest.mark.parametrize(
    ('numbers', 'reason'),
    [
        ((0, 0, 0), 'no query image'),
        ((2, 0, 0), 'no gallery image'),
        ((2, 3, 0), 'no query identity is in the gallery'),
        ((2, 3, 1), 'ignored cameras'),
    ],
)
def test_first_cause_is_given(numbers, reason):
    assert reason in explain_no_match(*numbers)


def test_nothing_to_match():
    found = rows_of_same_identity(np.array([], int), np.array([1]))
    assert (found.ptr.tolist(), found.values.tolist()) == ([0], [])
    found = rows_of_same_identity(np.array(['a']), np.array([], 'U1'))
    assert (found.ptr.tolist(), found.values.tolist()) == ([0, 0], [])
