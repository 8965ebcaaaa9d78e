import numpy as np
import pytest
import torch

from mmcion.evaluation import nearest_gallery, normalize_rows
from mmcion.evaluation.distances import (
    BLOCK,
    as_features,
    distance_blocks,
    take_rows,
)
from mmcion.utils.checks import UserError

DISTANCES = ['cosine', 'euclidean']


def draw(num_queries, num_gallery, dim=8, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (num_queries, dim), (num_gallery, dim)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def all_distances(qf, gf, distance):
    if distance == 'cosine':
        unit = [f / np.linalg.norm(f, axis=1)[:, None] for f in (qf, gf)]
        return 1 - unit[0] @ unit[1].T
    return np.linalg.norm(qf[:, None] - gf, axis=2)


def joined(qf, gf, distance='cosine'):
    return np.concatenate(
        [block.copy() for block in distance_blocks(qf, gf, distance)]
    )


@pytest.mark.parametrize('num_queries', [1, 15, 16, BLOCK, BLOCK + 1])
@pytest.mark.parametrize('distance', DISTANCES)
def test_blocks_equal_the_formula(distance, num_queries):
    qf, gf = draw(num_queries, 7)
    np.testing.assert_allclose(
        joined(qf, gf, distance),
        all_distances(qf, gf, distance),
        atol=1e-12,
    )


def test_dtypes():
    single = np.ones((2, 3), np.float32)
    assert as_features(single, 'f') is single
    assert as_features(single.astype(np.float16), 'f').dtype == np.float32
    assert as_features(np.ones((2, 3), int), 'f').dtype == np.float32
    assert as_features(torch.ones(2, 3).double(), 'f').dtype == np.float64
    half = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    assert as_features(half, 'f').dtype == np.float32


@pytest.mark.parametrize(
    ('value', 'named'),
    [
        (np.nan, 'NaN'),
        (np.inf, 'infinity'),
        (0, 'zero'),
        (1e20, 'norm 1e.20'),
        (1e-20, 'norm 1e-20'),
    ],
)
def test_row_that_cannot_be_used_is_named(value, named):
    features = np.ones((600, 2), np.float32)
    features[513] = value, 0
    with pytest.raises(UserError, match=rf'gf\[513\] .*{named}'):
        as_features(features, 'gf')


@pytest.mark.parametrize(
    ('features', 'named'),
    [
        (np.ones(3), r'\(3,\)'),
        (np.ones((3, 0)), r'\(3, 0\)'),
        (np.ones((2, 2), complex), 'complex128'),
        (torch.ones(2, 2, dtype=torch.complex64), 'complex64'),
        (np.ma.masked_equal(np.eye(2) + 1, 2), 'masked'),
        ([['1', '2']], '<U1'),
        ([[None, 2]], 'object'),
    ],
)
def test_other_arrays_are_refused(features, named):
    with pytest.raises(UserError, match=f'gf.*{named}'):
        as_features(features, 'gf')


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('distance', DISTANCES)
def test_features_of_any_usable_scale_have_distances(dtype, distance):
    limits = np.finfo(dtype)
    qf, gf = draw(5, 7, dtype=dtype)
    expected = joined(qf, gf, distance)
    for scale in (limits.max**0.5 / 16, (limits.tiny / limits.eps) ** 0.5):
        far, near = (as_features(f * dtype(scale), 'f') for f in (qf, gf))
        found = joined(far, near, distance)
        if distance == 'euclidean':
            found = found / dtype(scale)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_dimensions_must_be_equal():
    with pytest.raises(UserError, match='2 and 3'):
        joined(np.eye(2), np.eye(3))


def test_consecutive_rows_are_not_copied():
    array = np.arange(10)
    assert np.shares_memory(take_rows(array, np.array([2, 3, 4])), array)
    assert take_rows(array, np.array([2, 4])).tolist() == [2, 4]
    assert take_rows(array, np.array([], int)).tolist() == []


def test_normalized_rows():
    rows = normalize_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert rows.tolist() == [[0.6, 0.8], [0, 0]]


@pytest.mark.parametrize('distance', DISTANCES)
def test_nearest_equals_a_full_sort(distance):
    qf, gf = draw(300, 50)
    rows, distances = nearest_gallery(qf, gf, 7, distance=distance)
    expected = all_distances(qf, gf, distance)
    order = np.argsort(expected, axis=1)[:, :7]
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(
        distances, np.take_along_axis(expected, order, axis=1), atol=1e-10
    )


def test_of_equally_near_images_the_first_are_taken():
    rows, _ = nearest_gallery(np.eye(2)[:1], np.eye(2)[[1, 0, 0, 0, 1, 1]], 4)
    assert rows.tolist() == [[1, 2, 3, 0]]


def test_nearest_of_a_small_gallery():
    rows, _ = nearest_gallery(np.eye(3), np.eye(3)[:2], 10)
    assert rows.shape == (3, 2)
    assert nearest_gallery(np.eye(3), np.eye(3)[:0], 10)[0].shape == (3, 0)
    with pytest.raises(UserError, match='k .* got 0'):
        nearest_gallery(np.eye(3), np.eye(3), 0)
