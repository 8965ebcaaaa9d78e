from .charts import (
    count_bars,
    figure_rgb,
    figure_svg,
    histogram,
    identity_sizes,
    score_bars,
    training_curve,
)
from .contact_sheet import Group, Tile, contact_sheet
from .denoise_charts import calibration_chart, level_row
from .denoise_report import write_denoise_report
from .denoise_summary import spread
from .html_report import Card, HtmlReport
from .ranked_list import RankedQuery, ranked_list

__all__ = [
    'Card',
    'Group',
    'HtmlReport',
    'RankedQuery',
    'Tile',
    'calibration_chart',
    'contact_sheet',
    'count_bars',
    'figure_rgb',
    'figure_svg',
    'histogram',
    'identity_sizes',
    'level_row',
    'ranked_list',
    'score_bars',
    'spread',
    'training_curve',
    'write_denoise_report',
]
