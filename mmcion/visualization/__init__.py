from .activation_overlay import activation_overlay, activation_sheet
from .charts import (
    count_bars,
    figure_rgb,
    figure_svg,
    histogram,
    identity_sizes,
    score_bars,
    training_curve,
)
from .comparison_report import write_comparison
from .contact_sheet import Group, Tile, contact_sheet
from .dataset_sheet import dataset_sheet
from .denoise_charts import calibration_chart, level_row
from .denoise_report import write_denoise_report
from .denoise_summary import spread
from .embedding_map import embedding_map
from .html_report import Card, HtmlReport
from .projection import project
from .ranked_list import RankedQuery, ranked_list
from .retrieval_charts import average_precision_chart, cmc_chart, roc_chart
from .retrieval_pictures import RetrievalPictures, draw_retrieval
from .retrieval_report import write_retrieval_report
from .retrieval_sheets import (
    RetrievalSheet,
    confident_errors,
    random_queries,
    retrieval_sheet,
    worst_queries,
)

__all__ = [
    'Card',
    'Group',
    'HtmlReport',
    'RankedQuery',
    'RetrievalPictures',
    'RetrievalSheet',
    'Tile',
    'activation_overlay',
    'activation_sheet',
    'average_precision_chart',
    'calibration_chart',
    'cmc_chart',
    'confident_errors',
    'contact_sheet',
    'count_bars',
    'dataset_sheet',
    'draw_retrieval',
    'embedding_map',
    'figure_rgb',
    'figure_svg',
    'histogram',
    'identity_sizes',
    'level_row',
    'project',
    'random_queries',
    'ranked_list',
    'retrieval_sheet',
    'roc_chart',
    'score_bars',
    'spread',
    'training_curve',
    'worst_queries',
    'write_comparison',
    'write_denoise_report',
    'write_retrieval_report',
]
