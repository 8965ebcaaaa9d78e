import numpy as np
import pytest

from mmcion.visualization import (
    average_precision_chart,
    cmc_chart,
    figure_rgb,
    roc_chart,
)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_cmc_starts_at_rank_1_and_tells_its_values():
    shares = np.linspace(0.4, 0.88, 25)
    axes = cmc_chart({'mine': shares}).axes[0]
    line = axes.get_lines()[0]
    assert line.get_xdata().tolist() == list(range(1, 26))
    assert line.get_ydata() == pytest.approx(shares)
    assert texts(axes) == ['40.0%', '48.0%', '58.0%', '78.0%']
    low, high = axes.get_ylim()
    assert low <= 0.4
    assert high > 1
    assert axes.get_legend() is None


def test_several_cmc_curves_differ_in_more_than_colour():
    figure = cmc_chart({'a': [0.5, 0.6], 'b': [0.25], 'c': [0.1, 1.0, 1.0]})
    axes = figure.axes[0]
    assert labels(axes) == [
        'a: Rank-1 50.0%',
        'b: Rank-1 25.0%',
        'c: Rank-1 10.0%',
    ]
    lines = axes.get_lines()
    assert len({line.get_linestyle() for line in lines}) == 3
    assert axes.get_ylim()[0] == 0
    assert figure_rgb(figure).size


def test_roc_tells_the_rates_of_the_curve():
    fpr = [0, 0, 5e-4, 1e-3, 0.5, 1]
    tpr = [0.1, 0.2, 0.3, 0.6, 0.9, 1]
    figure = roc_chart({'mine': (fpr, tpr)})
    axes = figure.axes[0]
    assert axes.get_xscale() == 'log'
    # the best that is reached with at most so many wrong pairs
    assert texts(axes) == ['20.0%', '60.0%', '60.0%']
    curve = axes.get_lines()[3]
    x, y = curve.get_data()
    for rate, share in ((2e-4, 0.2), (9e-4, 0.3), (0.4, 0.6), (0.99, 0.9)):
        assert y[np.searchsorted(x, rate, side='right') - 1] == share
    assert figure_rgb(figure).size


def test_roc_of_long_curves_stays_small_and_exact():
    fpr = np.sort(np.random.default_rng(0).random(20000)) ** 2
    tpr = np.sqrt(np.sqrt(fpr))
    axes = roc_chart({'a': (fpr, tpr), 'b': (fpr, tpr / 2)}).axes[0]
    curve = axes.get_lines()[3]
    assert len(curve.get_xdata()) <= 500
    told = '  '.join(
        f'{tpr[fpr <= rate].max():.1%}' for rate in (1e-4, 1e-3, 1e-2)
    )
    assert labels(axes)[0] == f'a: {told}'


def test_roc_without_room_for_few_wrong_pairs_tells_zero():
    axes = roc_chart({'mine': ([0.02, 1], [0.7, 1])}).axes[0]
    assert texts(axes) == ['0.0%', '0.0%', '0.0%']
    assert axes.get_xlim()[0] < 1e-4


def test_average_precision_is_counted():
    values = [0.0, 0.01, 0.5, 1.0, 1.0, 1.0]
    axes = average_precision_chart(values).axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    assert sum(heights) == 6
    assert (heights[0], heights[10], heights[-1]) == (2, 1, 3)
    assert texts(axes) == [f'mean = {np.mean(values):.3f}']


def test_no_query_is_drawn_too():
    assert figure_rgb(average_precision_chart([])).size


@pytest.mark.parametrize(
    ('draw', 'curves', 'message'),
    [
        (cmc_chart, {}, 'needs at least one curve'),
        (cmc_chart, {'a': []}, "'a' has no point"),
        (roc_chart, {'a': ([], [])}, "'a' has no point"),
        (roc_chart, {'a': ([0, 1], [1])}, 'got 2 and 1'),
    ],
)
def test_mistakes(draw, curves, message):
    with pytest.raises(ValueError, match=message):
        draw(curves)
