import numpy as np
import pytest

from mmcion.visualization import embedding_map, figure_rgb
from mmcion.visualization.embedding_map import sample_people


def columns(people=5, cameras=2, each=4, seed=0):
    pid, cam, shot = np.indices((people, cameras, each)).reshape(3, -1)
    rng = np.random.default_rng(seed)
    feats = rng.normal(size=(people, 8))[pid]
    feats = feats + 0.2 * rng.normal(size=feats.shape)
    return feats, pid + 1, cam, shot == 0


def counts(axes, *, query):
    """Return the points of each group, of queries or of the gallery."""
    found = {}
    for dots in axes.collections:
        rim = dots.get_linewidths()[0] > 0
        if rim == query:
            found[dots.get_label()] = len(dots.get_offsets())
    return found


def test_everybody_is_drawn_by_person_and_by_camera():
    figure = embedding_map(*columns(), method='pca')
    person, camera = figure.axes
    people = [str(i) for i in range(1, 6)]
    assert counts(person, query=True) == dict.fromkeys(people, 2)
    assert counts(person, query=False) == dict.fromkeys(people, 6)
    assert counts(camera, query=True) == {'0': 5, '1': 5}
    assert {t.get_text() for t in person.texts} <= set(people)
    named = [t.get_text() for t in person.get_legend().get_texts()]
    assert named == people
    assert figure_rgb(figure).size


def test_colour_is_not_needed():
    person = embedding_map(*columns(people=12), method='pca').axes[0]
    shapes = [
        tuple(dots.get_paths()[0].vertices.ravel().round(3))
        for dots in person.collections
    ]
    colors = [
        tuple(dots.get_facecolors()[0][:3]) for dots in person.collections
    ]
    assert len(set(shapes)) == len(set(colors)) == 12
    queries = [d for d in person.collections if d.get_linewidths()[0] > 0]
    others = [d for d in person.collections if d.get_linewidths()[0] == 0]
    assert len(queries) == len(others) == 12
    assert min(d.get_sizes()[0] for d in queries) > max(
        d.get_sizes()[0] for d in others
    )


def test_one_camera_has_no_second_side():
    figure = embedding_map(*columns(cameras=1), method='pca')
    assert len(figure.axes) == 1


def test_numbers_stand_where_a_person_s_points_lie_together():
    feats, pid, cam, query = columns(people=3)
    feats = np.eye(8)[[0, 1, 2]].repeat(8, 0) + 0.01 * feats
    scattered = np.array([0, 8, 16] * 3)
    feats[16:24] = feats[scattered[:8]]
    axes = embedding_map(feats, pid, cam, query, method='pca').axes[0]
    assert [text.get_text() for text in axes.texts] == ['1', '2']
    feats[8:16] = feats[:8]  # one place has one number
    axes = embedding_map(feats, pid, cam, query, method='pca').axes[0]
    assert [text.get_text() for text in axes.texts] == ['1']


def test_same_seed_same_map():
    first, second, other = (
        embedding_map(*columns(people=9), people=4, seed=seed)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(figure_rgb(first), figure_rgb(second))
    assert not np.array_equal(figure_rgb(first), figure_rgb(other))


@pytest.mark.parametrize('rows', [[0], [0, 1], [0, 1, 8]])
def test_few_points(rows):
    feats, pid, cam, query = (column[rows] for column in columns())
    figure = embedding_map(feats, pid, cam, query)
    drawn = sum(len(d.get_offsets()) for d in figure.axes[0].collections)
    assert drawn == len(rows)
    assert figure_rgb(figure).size


def test_more_groups_than_a_legend_names():
    figure = embedding_map(*columns(people=20), method='pca', people=20)
    legend = figure.axes[0].get_legend()
    assert legend.get_title().get_text() == 'person (2 more)'
    assert len(legend.get_texts()) == 18


def test_sample_takes_people_who_were_asked_for():
    pid = np.repeat([1, 2, 3, -1], 4)
    cam = np.array([0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    query = np.zeros(16, bool)
    query[[0, 4, 12]] = True  # nobody asks for 3, and -1 is junk
    rows = sample_people(pid, cam, query, people=1)
    assert rows.tolist() == [4, 5, 6, 7]  # seen by two cameras
    rows = sample_people(pid, cam, query, people=9)
    assert rows.tolist() == list(range(8))
    rows = sample_people(pid, cam, query, people=[3, 99])
    assert rows.tolist() == [8, 9, 10, 11]


def test_sample_is_capped_and_keeps_queries():
    _, pid, cam, query = columns(people=10, each=20)
    rows = sample_people(pid, cam, query, people=10, max_points=100)
    assert len(rows) == 100
    assert np.bincount(pid[rows])[1:].tolist() == [10] * 10
    assert query[rows].sum() == query.sum()


def test_mistakes():
    feats, pid, cam, query = columns()
    with pytest.raises(ValueError, match='nobody to draw'):
        embedding_map(feats, 0 * pid - 1, cam, query)
    with pytest.raises(ValueError, match=r'same length; got \[40, 40, 39'):
        embedding_map(feats, pid, cam[1:], query)
