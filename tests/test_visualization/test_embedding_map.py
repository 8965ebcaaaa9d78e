import numpy as np
import pytest

from mmcion.structures import ReIDFeatures
from mmcion.visualization.charts import figure_svg
from mmcion.visualization.embedding_map import (
    EmbeddedImages,
    embedding_map,
    project,
    sample_rows,
)


def make_features(identities=5, cameras=2, each=4, seed=0):
    """Return features around a centre per identity; 1 of each is a query."""
    pid, cam, shot = np.indices((identities, cameras, each)).reshape(3, -1)
    rng = np.random.default_rng(seed)
    feats = rng.normal(size=(identities, 8))[pid]
    feats = feats + 0.2 * rng.normal(size=feats.shape)
    paths = np.full(len(pid), 'x.jpg')
    return ReIDFeatures(feats, pid + 1, cam, shot == 0, paths)


def make_images(seed=0, **options):
    """Return images of identities that lie apart."""
    features = make_features(**options)
    rng = np.random.default_rng(seed)
    xy = 5 * features.pid[:, None] + 0.1 * rng.normal(size=(len(features), 2))
    return EmbeddedImages(xy, features.pid, features.cam_id, features.is_query)


def counts(axes, *, query):
    """Return the points of each group, of queries or of the gallery."""
    return {
        dots.get_label(): len(dots.get_offsets())
        for dots in axes.collections
        if (dots.get_linewidths()[0] > 0) == query
    }


def test_groups_are_identities_or_cameras():
    images = make_images()
    (axes,) = embedding_map(images, 'identity').axes
    identities = [str(i) for i in range(1, 6)]
    assert counts(axes, query=True) == dict.fromkeys(identities, 2)
    assert counts(axes, query=False) == dict.fromkeys(identities, 6)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == identities
    figure = embedding_map(images, 'camera')
    assert counts(figure.axes[0], query=True) == {'0': 5, '1': 5}
    assert not figure.axes[0].texts
    assert figure_svg(figure)


def test_colour_is_not_needed():
    (axes,) = embedding_map(make_images(identities=12), 'identity').axes
    shapes = {
        tuple(dots.get_paths()[0].vertices.ravel().round(3))
        for dots in axes.collections
    }
    colors = {tuple(dots.get_facecolors()[0][:3]) for dots in axes.collections}
    assert len(shapes) == len(colors) == 12
    sizes = {
        query: {
            dots.get_sizes()[0]
            for dots in axes.collections
            if (dots.get_linewidths()[0] > 0) == query
        }
        for query in (False, True)
    }
    assert max(sizes[False]) < min(sizes[True])


def test_names_stand_where_an_identity_is_close():
    images = make_images(identities=3)
    images.xy[images.pid == 3] = images.xy[images.pid != 3][::2]
    (axes,) = embedding_map(images, 'identity').axes
    assert [text.get_text() for text in axes.texts] == ['1', '2']
    images.xy[images.pid == 2] = images.xy[images.pid == 1]  # has a name
    (axes,) = embedding_map(images, 'identity').axes
    assert [text.get_text() for text in axes.texts] == ['1']


@pytest.mark.parametrize('axis', [0, 1])
def test_names_may_be_apart_in_one_direction(axis):
    images = make_images(identities=2)
    images.xy[:] = 0
    images.xy[images.pid == 2, axis] = 1
    (axes,) = embedding_map(images, 'identity').axes
    assert [text.get_text() for text in axes.texts] == ['1', '2']


def test_more_groups_than_a_legend_names():
    (axes,) = embedding_map(make_images(identities=20), 'identity').axes
    legend = axes.get_legend()
    assert legend.get_title().get_text() == 'identity (2 more)'
    assert len(legend.get_texts()) == 18


def test_same_seed_same_images():
    features = make_features(identities=9)
    first, again, other = (
        EmbeddedImages.from_features(features, identities=4, seed=seed)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.xy, again.xy)
    assert not np.array_equal(first.xy, other.xy)


def test_identities_are_those_of_queries():
    features = make_features(identities=4, cameras=2, each=2)
    features.pid[:] = np.repeat([1, 2, 3, -1], 4)
    features.cam_id[:] = [0] * 6 + [1, 1] + [0, 1] * 4
    features.is_query[:] = False
    features.is_query[[0, 4, 12]] = True  # no query of 3, and -1 is junk
    rows = sample_rows(features, 1, 99, 0)
    assert rows.tolist() == [4, 5, 6, 7]  # of two cameras
    assert sample_rows(features, 9, 99, 0).tolist() == list(range(8))
    features.is_query[:] = False
    assert sample_rows(features, 9, 99, 0).tolist() == list(range(12))


def test_sample_is_capped_and_keeps_queries():
    features = make_features(identities=10, each=20)
    rows = sample_rows(features, 10, 100, 0)
    assert np.bincount(features.pid[rows])[1:].tolist() == [10] * 10
    assert features.is_query[rows].sum() == features.is_query.sum()


def test_nothing_but_junk():
    features = make_features()
    features.pid[:] = -1
    assert len(EmbeddedImages.from_features(features).pid) == 0


def test_neighbours_stay_neighbours():
    features = make_features(identities=3)
    xy = project(features.feature)
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = features.pid[distance.argmin(axis=1)]
    assert (nearest == features.pid).mean() > 0.9


def test_length_of_a_feature_does_not_count():
    feats = make_features().feature[:3]
    scaled = feats * np.array([[1], [5], [9]])
    assert project(scaled) == pytest.approx(project(feats), abs=1e-5)


def test_few_features_are_laid_out_by_their_components():
    feats = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    xy = project(feats)
    # three unit vectors at right angles: a triangle of equal sides
    sides = np.linalg.norm(xy - np.roll(xy, 1, axis=0), axis=1)
    assert sides == pytest.approx([2**0.5] * 3)


@pytest.mark.parametrize('count', [0, 1, 2, 3, 4, 5, 8])
def test_few_points(count):
    features = make_features(identities=1)
    xy = project(features.feature[:count])
    assert xy.shape == (count, 2)
    assert np.isfinite(xy).all()


def test_equal_and_empty_features():
    same = np.ones((6, 8))
    assert project(same) == pytest.approx(0, abs=1e-6)
    feats = np.concatenate([make_features().feature[:8], np.zeros((1, 8))])
    assert np.isfinite(project(feats)).all()
    assert project(np.ones((5, 1))).shape == (5, 2)
