from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from mmcion.visualization import (
    TrainingCurve,
    calibration_chart,
    training_chart,
)
from mmcion.visualization.charts import (
    figure_svg,
    links_chart,
    methods_chart,
    save_figure,
)
from mmcion.visualization.denoising_facts import CalibrationFacts, LinkFacts

CALIBRATION = CalibrationFacts(
    sigma=0.75,
    delta=1.25,
    bins=[0, 0.5, 1, 1.5, 2],
    same=[300, 600, 0, 0],
    different=[0, 0, 30, 0],
)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_training_chart_holds_its_data():
    (axes,) = training_chart(TrainingCurve([0, 10], [5.0, 3.5])).axes
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == [0, 10]
    assert line.get_ydata().tolist() == [5.0, 3.5]


def test_distances_have_equal_areas_and_common_bins():
    figure = calibration_chart(CALIBRATION)
    (axes,) = figure.axes
    steps = [patch.get_data() for patch in axes.patches]
    areas = [np.sum(s.values * np.diff(s.edges)) for s in steps]
    assert areas == pytest.approx([1, 1])
    assert steps[0].edges.tolist() == steps[1].edges.tolist()
    assert axes.get_xlim() == (0, 1.5)  # the last bin is empty
    assert axes.get_xlabel() == 'cosine distance'


def test_thresholds_are_marked_and_named():
    figure = calibration_chart(CALIBRATION)
    lines = figure.axes[0].get_lines()
    assert [line.get_xdata()[0] for line in lines] == [0.75, 1.25]
    assert legend(figure) == [
        'image to its tracklet (900)',
        'co-occurring tracklets (30)',
        'sigma = 0.750',
        'delta = 1.250',
    ]
    more = CalibrationFacts(**{**vars(CALIBRATION), 'link_delta': 1.0})
    figure = calibration_chart(more)
    assert legend(figure)[-1] == 'delta between videos = 1.000'
    styles = {line.get_linestyle() for line in figure.axes[0].get_lines()}
    assert len(styles) == 3  # colour is not needed


def test_rates_of_false_links_are_drawn_with_the_stated_one():
    links = LinkFacts(
        false_discovery_rate=0.4,
        distance=[0.1, 0.2, 0.5],
        within=[0.1, 0.2, 0.9],
        cross=[0.2, 0.5, 3.0],
    )
    figure = links_chart(CalibrationFacts(link_delta=0.25, links=links))
    assert legend(figure) == [
        'by co-occurring identities',
        'by the bulk of all pairs',
        'stated rate = 0.4',
        'delta between videos = 0.250',
    ]
    figure = links_chart(CalibrationFacts(links=replace(links, cross=[])))
    assert legend(figure) == [
        'by co-occurring identities',
        'stated rate = 0.4',
    ]


def test_distances_that_are_missing_are_left_out():
    empty = CalibrationFacts(0.5, 0.5, bins=[0, 1], same=[0], different=[0])
    figure = calibration_chart(empty)
    assert not figure.axes[0].patches
    assert figure_svg(figure)


def test_equal_charts_are_equal_files():
    charts = [calibration_chart(CALIBRATION) for _ in range(2)]
    svg, again = map(figure_svg, charts)
    assert b'<svg' in svg
    assert svg == again


def test_a_narrow_copy_leaves_the_chart_as_it_was():
    figure = calibration_chart(CALIBRATION)
    assert b'width="345.6pt"' in figure_svg(figure, narrow=True)
    assert b'width="691.2pt"' in figure_svg(figure)


def test_file_of_a_chart(tmp_path):
    save_figure(calibration_chart(CALIBRATION), tmp_path / 'new' / 'a.png')
    (file,) = (tmp_path / 'new').iterdir()
    with Image.open(file) as image:
        assert (image.format, image.size) == ('PNG', (1382, 432))


def test_global_style_stays_as_it_was():
    before = dict(matplotlib.rcParams)
    figure_svg(training_chart(TrainingCurve([0, 1], [1, 0])))
    assert dict(matplotlib.rcParams) == before


def test_methods_have_a_line_and_its_interval():
    mean, half = np.array([0.2, 0.5]), np.array([0.0, 0.1])
    figure = methods_chart({'a': ([0, 64], mean, half)})
    (axes,) = figure.axes
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == [0, 64]
    assert line.get_ydata().tolist() == [0.2, 0.5]
    corners = axes.collections[0].get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx(0.6)
    assert legend(figure) == ['a']
