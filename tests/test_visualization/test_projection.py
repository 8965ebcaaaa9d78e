import builtins

import numpy as np
import pytest

from mmcion.visualization import project


def groups(each=12, dims=16, seed=0):
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(3, dims))
    return np.repeat(centres, each, 0) + rng.normal(size=(3 * each, dims))


@pytest.mark.parametrize('method', ['tsne', 'pca'])
def test_neighbours_stay_neighbours(method):
    feats = groups()
    points = project(feats, method=method)
    assert points.shape == (36, 2)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    who = np.arange(36) // 12
    assert (who[distance.argmin(axis=1)] == who).mean() > 0.9


@pytest.mark.parametrize('method', ['tsne', 'pca'])
def test_equal_input_gives_equal_points(method):
    feats = groups()
    first = project(feats, method=method, seed=3)
    assert np.array_equal(first, project(feats, method=method, seed=3))


def test_length_of_a_feature_does_not_count():
    feats = groups()
    scaled = feats * np.linspace(1, 9, len(feats))[:, None]
    assert project(scaled, method='pca') == pytest.approx(
        project(feats, method='pca')
    )


def test_components_are_those_of_the_covariance():
    feats = groups()
    unit = feats / np.linalg.norm(feats, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(np.cov(unit.T))[::-1]
    points = project(feats, method='pca')
    assert points.var(axis=0, ddof=1) == pytest.approx(values[:2])
    assert (points[np.abs(points).argmax(0), [0, 1]] > 0).all()


@pytest.mark.parametrize('method', ['tsne', 'pca'])
@pytest.mark.parametrize('count', [0, 1, 2, 3, 4, 5, 8])
def test_few_points(method, count):
    points = project(groups()[:count], method=method)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize('method', ['tsne', 'pca'])
def test_equal_and_empty_features(method):
    same = np.ones((6, 4))
    assert project(same, method=method) == pytest.approx(0, abs=1e-6)
    feats = np.concatenate([groups()[:8], same[:, :1] * np.zeros(16)])
    assert np.isfinite(project(feats, method=method)).all()
    assert project(np.ones((5, 1)), method=method).shape == (5, 2)


def test_umap_without_its_package_names_the_command(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == 'umap':
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(ImportError, match='pip install umap-learn'):
        project(groups(), method='umap')


@pytest.mark.slow  # umap compiles itself
def test_umap_keeps_neighbours():
    points = project(groups(), method='umap')
    assert points.shape == (36, 2)
    assert np.array_equal(points, project(groups(), method='umap'))


@pytest.mark.parametrize(
    ('feats', 'options', 'message'),
    [
        (np.ones((3, 2)), {'method': 'isomap'}, 'tsne, umap, pca; got'),
        (np.ones(3), {}, r'got \(3,\)'),
        (np.full((3, 2), np.nan), {}, 'NaN or infinity'),
    ],
)
def test_mistakes(feats, options, message):
    with pytest.raises(ValueError, match=message):
        project(feats, **options)
