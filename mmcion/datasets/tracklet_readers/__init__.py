"""Readers of datasets of tracked people, and of what they are named."""

from .cional import read_cional
from .csv_table import read_csv
from .luperson import read_luperson
from .luperson_nl import read_luperson_nl
from .mars import read_mars

__all__ = [
    'read_cional',
    'read_csv',
    'read_luperson',
    'read_luperson_nl',
    'read_mars',
]
