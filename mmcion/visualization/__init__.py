"""What people look at: pages, charts and image grids.

The pages are ``*_page.py`` with their templates ``*_page.html.jinja``; what
they share is ``report.html.jinja``, ``macros.html.jinja`` and ``report.css``.
"""

from .activation_overlay import activation_group, activation_overlay
from .charts import TrainingCurve, calibration_chart, training_chart
from .comparison_page import write_comparison
from .dataset_tiles import DatasetPart, ReIDLabels, dataset_groups
from .denoising_counts import IdentityCounts, bin_counts
from .denoising_facts import DenoisingFacts
from .denoising_page import write_denoising_report
from .denoising_tiles import TableTiles, cross_video_groups
from .embedding_map import EmbeddedImages, embedding_map
from .image_grid import image_format, image_grid, save_image
from .report import write_report
from .retrieval_charts import average_precision_chart, cmc_chart, roc_chart
from .retrieval_page import write_retrieval_report
from .retrieval_tiles import (
    confident_errors,
    random_queries,
    ranked_groups,
    worst_queries,
)
from .tiles import Tile, TileGroup, read_image, spread

__all__ = [
    'DatasetPart',
    'DenoisingFacts',
    'EmbeddedImages',
    'IdentityCounts',
    'ReIDLabels',
    'TableTiles',
    'Tile',
    'TileGroup',
    'TrainingCurve',
    'activation_group',
    'activation_overlay',
    'average_precision_chart',
    'bin_counts',
    'calibration_chart',
    'cmc_chart',
    'confident_errors',
    'cross_video_groups',
    'dataset_groups',
    'embedding_map',
    'image_format',
    'image_grid',
    'random_queries',
    'ranked_groups',
    'read_image',
    'roc_chart',
    'save_image',
    'spread',
    'training_chart',
    'worst_queries',
    'write_comparison',
    'write_denoising_report',
    'write_report',
    'write_retrieval_report',
]
