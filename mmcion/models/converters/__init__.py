from .convert_file import Conversion, convert_file, convert_weights
from .reidzoo import convert_reidzoo
from .sources import REFUSED, SOURCES

__all__ = [
    'REFUSED',
    'SOURCES',
    'Conversion',
    'convert_file',
    'convert_reidzoo',
    'convert_weights',
]
