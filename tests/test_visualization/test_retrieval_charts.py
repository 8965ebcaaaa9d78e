import numpy as np
import pytest

from mmcion.structures import RocCurve
from mmcion.visualization.charts import figure_svg
from mmcion.visualization.retrieval_charts import (
    average_precision_chart,
    cmc_chart,
    roc_chart,
)


def make_roc(fpr, tpr):
    fpr, tpr = np.asarray(fpr, float), np.asarray(tpr, float)
    return RocCurve(np.arange(len(fpr)), tpr, fpr, len(fpr), len(fpr))


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_cmc_starts_at_rank_1_and_writes_its_values():
    ratios = np.linspace(0.4, 0.88, 25)
    (axes,) = cmc_chart(ratios).axes
    line = axes.get_lines()[0]
    assert line.get_xdata().tolist() == list(range(1, 26))
    assert line.get_ydata() == pytest.approx(ratios)
    assert texts(axes) == ['40.0%', '48.0%', '58.0%', '78.0%']
    low, high = axes.get_ylim()
    assert low <= 0.4
    assert high > 1


@pytest.mark.parametrize('ranks', [1, 3, 50, 100])
def test_cmc_of_any_length(ranks):
    figure = cmc_chart(np.full(ranks, 0.05))
    ticks = figure.axes[0].get_xticks()
    assert ticks[0] == 1
    assert len(ticks) <= 12
    assert ticks[-1] == ranks
    assert figure.axes[0].get_ylim()[0] == 0
    assert figure_svg(figure)


def test_roc_has_the_rates_of_the_curve():
    fpr = [0, 0, 5e-4, 1e-3, 0.5, 1]
    tpr = [0.1, 0.2, 0.3, 0.6, 0.9, 1]
    figure = roc_chart(make_roc(fpr, tpr))
    (axes,) = figure.axes
    assert axes.get_xscale() == 'log'
    # the best that is reached at a false positive rate
    assert texts(axes) == ['20.0%', '60.0%', '60.0%']
    x, y = axes.get_lines()[0].get_data()
    for rate, ratio in ((2e-4, 0.2), (9e-4, 0.3), (0.4, 0.6), (0.99, 0.9)):
        assert y[np.searchsorted(x, rate, side='right') - 1] == ratio
    assert figure_svg(figure)


def test_roc_of_a_long_curve_stays_small_and_exact():
    fpr = np.sort(np.random.default_rng(0).random(20000)) ** 2
    tpr = np.sqrt(np.sqrt(fpr))
    (axes,) = roc_chart(make_roc(fpr, tpr)).axes
    assert len(axes.get_lines()[0].get_xdata()) <= 500
    assert texts(axes) == [
        f'{tpr[fpr <= rate].max():.1%}' for rate in (1e-4, 1e-3, 1e-2)
    ]


def test_roc_is_zero_where_even_the_nearest_pair_accepts_more():
    (axes,) = roc_chart(make_roc([0.02, 1], [0.7, 1])).axes
    assert texts(axes) == ['0.0%', '0.0%', '0.0%']
    assert axes.get_xlim()[0] < 1e-4


def test_average_precision_is_counted():
    values = [0.0, 0.01, 0.5, 1.0, 1.0, 1.0]
    figure = average_precision_chart(values)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert sum(heights) == 6
    assert (heights[0], heights[10], heights[-1]) == (2, 1, 3)
    (label,) = figure.legends[0].get_texts()
    assert label.get_text() == f'mean = {np.mean(values):.3f}'
