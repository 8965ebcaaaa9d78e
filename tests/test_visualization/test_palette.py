from matplotlib import rc_params_from_file
from matplotlib.colors import to_hex

from mmcion.visualization.palette import COLORS
from mmcion.visualization.report import TEMPLATES


def test_charts_have_the_same_colours():
    style = rc_params_from_file(
        TEMPLATES / 'report.mplstyle', use_default_template=False
    )
    for key, name in (
        ('text.color', 'ink'),
        ('axes.labelcolor', 'muted'),
        ('axes.edgecolor', 'line'),
        ('figure.facecolor', 'paper'),
    ):
        assert to_hex(style[key]) == COLORS[name]
    cycle = style['axes.prop_cycle'].by_key()['color']
    names = ('blue', 'orange', 'green', 'red', 'grey')
    assert {COLORS[name] for name in names} < {to_hex(c) for c in cycle}


def test_style_sheet_uses_no_other_names():
    style = (TEMPLATES / 'report.css').read_text()
    used = {
        part.split(')')[0].split(',')[0] for part in style.split('var(--')[1:]
    }
    assert used - {'border', 'columns', 'narrow', 'part'} <= set(COLORS)
