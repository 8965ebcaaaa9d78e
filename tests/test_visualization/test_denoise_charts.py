import pytest

from mmcion.visualization import calibration_chart, figure_svg, level_row
from mmcion.visualization.denoise_charts import level_chart, level_name

LEVEL = {
    'name': 'SingleVideoDenoiser',
    'images': 1200,
    'identities': 30,
    'identities_in_several_videos': 4,
    'seconds': 1.5,
    'noise': {
        'before': {'intra': 0.25, 'inter': 0.5},
        'after': {'intra': 0.0, 'inter': 0.125},
    },
}


def test_row_of_a_level():
    row = level_row(LEVEL)
    assert row[:4] == ['SingleVideo', 1200, 30, 4]
    noise = [cell.replace('\u00a0', ' ') for cell in row[4:6]]
    assert noise == ['25.0% → 0.0%', '50.0% → 12.5%']
    assert row[6] == 1.5


def test_row_of_a_level_that_recorded_little():
    assert level_row({'name': 'Mine'}) == ['Mine'] + 6 * [None]
    assert level_row({'noise': {'after': {'intra': 0.5}}})[4].endswith('50.0%')
    assert level_name({}) == '?'


def test_chart_shows_counts_and_noise():
    axes = level_chart([{'name': 'tracklets', 'images': 1500}, LEVEL]).axes
    bars = [[bar.get_width() for bar in a.patches] for a in axes]
    assert bars == [[1500, 1200], [0, 30, 0, 4], []]
    assert [t.get_text() for t in axes[0].texts] == ['1,500', '1,200']
    names = [t.get_text() for t in axes[0].get_yticklabels()]
    assert names == ['tracklets', 'SingleVideo']
    lines = [list(line.get_xdata()) for line in axes[2].get_lines()]
    assert [x for x in lines if len(x) == 2] == [[0.25, 0.0], [0.5, 0.125]]


@pytest.mark.parametrize('noise', [None, {}, {'before': {}, 'after': None}])
def test_chart_of_levels_without_numbers(noise):
    chart = level_chart([{'name': 'a', 'noise': noise}, {}])
    assert len(chart.axes) == (3 if noise else 2)
    assert figure_svg(chart)


def test_calibration_chart_marks_both_thresholds():
    chart = calibration_chart(
        {
            'sigma': 0.25,
            'delta': 0.75,
            'bins': [0, 0.5, 1],
            'same': [5, 1],
            'different': [0, 7],
        }
    )
    texts = [text.get_text() for text in chart.axes[0].texts]
    assert texts == ['sigma = 0.250', 'delta = 0.750']
