import numpy as np
import pytest

from mmcion.evaluation import nearest_gallery


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
def test_equals_a_full_sort(distance):
    rng = np.random.default_rng(0)
    qf, gf = rng.standard_normal((300, 8)), rng.standard_normal((50, 8))
    rows, distances = nearest_gallery(qf, gf, 7, distance=distance)
    if distance == 'cosine':
        unit = [f / np.linalg.norm(f, axis=1)[:, None] for f in (qf, gf)]
        expected = 1 - unit[0] @ unit[1].T
    else:
        expected = np.linalg.norm(qf[:, None] - gf, axis=2)
    order = np.argsort(expected, axis=1)[:, :7]
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(
        distances, np.take_along_axis(expected, order, axis=1), atol=1e-10
    )


def test_no_more_than_the_gallery_has():
    rows, _ = nearest_gallery(np.eye(3), np.eye(3)[:2], 10)
    assert rows.shape == (3, 2)
    assert nearest_gallery(np.eye(3), np.eye(3)[:0], 10)[0].shape == (3, 0)


def test_k_must_be_positive():
    with pytest.raises(ValueError, match='at least 1; got 0'):
        nearest_gallery(np.eye(3), np.eye(3), 0)
