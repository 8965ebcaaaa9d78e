"""The small sets of protocol 1, and CUHK02."""

from .cuhk02 import CUHK02
from .small_sets import GRID, PRID2011, SmallSet, VIPeR, iLIDS

__all__ = ['CUHK02', 'GRID', 'PRID2011', 'SmallSet', 'VIPeR', 'iLIDS']
