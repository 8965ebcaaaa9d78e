from .charts import (
    figure_rgb,
    figure_svg,
    histogram,
    identity_sizes,
    score_bars,
    training_curve,
)
from .contact_sheet import Group, Tile, contact_sheet
from .html_report import Card, HtmlReport
from .ranked_list import RankedQuery, ranked_list

__all__ = [
    'Card',
    'Group',
    'HtmlReport',
    'RankedQuery',
    'Tile',
    'contact_sheet',
    'figure_rgb',
    'figure_svg',
    'histogram',
    'identity_sizes',
    'ranked_list',
    'score_bars',
    'training_curve',
]
