"""What people look at: pages, charts and image grids.

The pages are ``*_page.py`` with their templates ``*_page.html.jinja``; what
they share is ``report.html.jinja``, ``macros.html.jinja`` and ``report.css``.
"""

from .activation_overlay import activation_group
from .charts import (
    TrainingCurve,
    calibration_chart,
    rounds_chart,
    training_chart,
)
from .comparison_page import write_comparison
from .dataset_tiles import DatasetPart, ReIDLabels, dataset_groups
from .denoising_counts import IdentityCounts, bin_counts
from .denoising_facts import DenoisingFacts
from .denoising_page import write_denoising_report
from .denoising_tiles import TableTiles, cross_video_groups
from .image_grid import image_format, image_grid, save_image
from .report import write_report
from .retrieval_page import write_retrieval_report
from .retrieval_tiles import ranked_groups
from .rounds_page import write_rounds_page
from .tiles import Tile, TileGroup, read_image, spread

__all__ = [
    'DatasetPart',
    'DenoisingFacts',
    'IdentityCounts',
    'ReIDLabels',
    'TableTiles',
    'Tile',
    'TileGroup',
    'TrainingCurve',
    'activation_group',
    'bin_counts',
    'calibration_chart',
    'cross_video_groups',
    'dataset_groups',
    'image_format',
    'image_grid',
    'ranked_groups',
    'read_image',
    'rounds_chart',
    'save_image',
    'spread',
    'training_chart',
    'write_comparison',
    'write_denoising_report',
    'write_report',
    'write_retrieval_report',
    'write_rounds_page',
]
