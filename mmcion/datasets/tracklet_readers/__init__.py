"""Readers of data sets of tracklets, and of their file names."""

from .base_tracklet_reader import BaseTrackletReader, Layout
from .cional import read_cional
from .csv_table import read_csv
from .luperson import LUPersonReader
from .luperson_nl import LUPersonNLReader
from .mars import MARSReader

__all__ = [
    'BaseTrackletReader',
    'LUPersonNLReader',
    'LUPersonReader',
    'Layout',
    'MARSReader',
    'read_cional',
    'read_csv',
]
