import numpy as np
import pytest
import torch

from mmcion.evaluation.functional.distance import (
    as_features,
    distance_chunks,
    tie_limit,
)


def whole(qf, gf, **options):
    chunks = distance_chunks(qf, gf, **options)
    return np.concatenate([chunk.copy() for _, chunk in chunks])


@pytest.mark.parametrize('chunk_size', [1, 4, 256])
@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
def test_chunks_together_are_the_whole(chunk_size, distance):
    rng = np.random.default_rng(0)
    qf, gf = rng.standard_normal((9, 5)), rng.standard_normal((7, 5))
    if distance == 'cosine':
        unit = [f / np.linalg.norm(f, axis=1)[:, None] for f in (qf, gf)]
        expected = 1 - unit[0] @ unit[1].T
    else:
        expected = ((qf[:, None] - gf) ** 2).sum(axis=2)
    found = whole(qf, gf, distance=distance, chunk_size=chunk_size)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_zero_vector_is_as_far_from_everything():
    gf = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert whole(gf, gf).round(12).tolist() == [[1, 1], [1, 0]]


def test_limit_covers_rounding_of_equal_images():
    rng = np.random.default_rng(0)
    image = rng.standard_normal(512).astype(np.float32)
    gf = np.repeat(image[None], 1003, axis=0)
    qf = rng.standard_normal((7, 512)).astype(np.float32)
    for distance in ('cosine', 'euclidean'):
        found = whole(qf, gf, distance=distance)
        limit = tie_limit(qf, gf, distance).at(np.arange(7), found[:, 0])
        assert (np.ptp(found, axis=1) <= limit).all()


def test_types():
    single = np.ones((2, 3), np.float32)
    assert as_features(single, 'f') is single
    assert as_features(single.astype(np.float16), 'f').dtype == np.float32
    assert as_features(np.ones((2, 3), int), 'f').dtype == np.float32
    assert as_features(torch.ones(2, 3).double(), 'f').dtype == np.float64
    half = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    assert as_features(half, 'f').dtype == np.float32


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
def test_lengths_are_exact_or_refused(dtype, distance):
    largest = np.finfo(dtype).max
    far = np.array([[largest, largest]], dtype)
    for pair in ((far, -far), (far, 0 * far), (0 * far, far)):
        with pytest.raises(ValueError, match='overflow; normalise them first'):
            whole(*pair, distance=distance)
    # the squares fit, and so does the distance of opposites
    length = dtype(0.4 * np.sqrt(largest))
    fits = np.array([[length, 0]], dtype)
    assert np.isfinite(whole(fits, -fits, distance=distance)).all()
    # the squares fit, but not the distance of opposites
    beyond = fits * 2
    assert np.isfinite(np.square(beyond)).all()
    if distance == 'euclidean':
        with pytest.raises(ValueError, match='overflow'):
            whole(beyond, -beyond, distance=distance)
