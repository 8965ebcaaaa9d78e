import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from mmcion.visualization import (
    count_bars,
    figure_rgb,
    figure_svg,
    histogram,
    identity_sizes,
    score_bars,
    training_curve,
)
from mmcion.visualization.palette import BLUE, GREY, rgb


def test_training_curve_holds_its_data():
    figure = training_curve({'a': ([0, 1], [5, 3]), 'b': ([0, 2], [4, 1])})
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ['a', 'b']
    assert lines[1].get_ydata().tolist() == [4, 1]
    assert figure.axes[0].get_legend() is not None


def test_histogram_shares_bins_and_marks_thresholds():
    figure = histogram(
        {'near': [300, 600, 0, 0], 'far': [0, 0, 30, 60]},
        [0, 0.5, 1, 1.5, 2],
        thresholds={'sigma': 0.75, 'delta': 1.25},
    )
    axes = figure.axes[0]
    steps = [patch.get_data() for patch in axes.patches]
    areas = [np.sum(s.values * np.diff(s.edges)) for s in steps]
    assert areas == pytest.approx([1, 1])
    assert steps[0].edges.tolist() == steps[1].edges.tolist()
    assert [line.get_xdata()[0] for line in axes.get_lines()] == [0.75, 1.25]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ['sigma = 0.750', 'delta = 1.250']


def test_histogram_of_nothing_is_drawn():
    assert figure_rgb(histogram({'none': [0]}, [0, 1])).size


def test_identity_sizes_are_sorted():
    bars = identity_sizes([3, 9, 5]).axes[0].patches
    assert [bar.get_height() for bar in bars] == [9, 5, 3]


def test_count_bars_write_their_numbers():
    axes = count_bars({'1': 12345, '2–3': 0}, xlabel='x', ylabel='y').axes[0]
    assert [bar.get_height() for bar in axes.patches] == [12345, 0]
    assert [text.get_text() for text in axes.texts] == ['12,345', '0']
    assert [t.get_text() for t in axes.get_xticklabels()] == ['1', '2–3']


def test_count_bars_of_nothing_are_drawn():
    assert figure_rgb(count_bars({}, xlabel='x', ylabel='y')).size


def test_score_bars_stress_one_and_write_values():
    axes = score_bars({'raw': 0.25, 'ours': 0.5}).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.5]
    colors = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colors == [GREY, BLUE]
    assert [text.get_text() for text in axes.texts] == ['0.250', '0.500']
    assert [t.get_text() for t in axes.get_yticklabels()] == ['raw', 'ours']


def test_pictures_of_a_figure():
    figure = score_bars({'ours': 1.0})
    picture = figure_rgb(figure, dpi=50)
    width, height = figure.get_size_inches() * 50
    assert picture.shape == (int(height), int(width), 3)
    blue = (picture == rgb(BLUE)).all(axis=2).mean()
    assert 0.05 < blue < 0.6


def test_equal_charts_are_equal_files():
    svg, again = (figure_svg(score_bars({'ours': 1.0})) for _ in range(2))
    assert b'<svg' in svg
    assert svg == again


def test_global_style_stays_as_it_was():
    before = dict(matplotlib.rcParams)
    figure_svg(identity_sizes([1, 2]))
    assert dict(matplotlib.rcParams) == before
