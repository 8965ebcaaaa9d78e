"""How datasets name the images of people.

Every pattern matches a name without its ending or an LMDB key; its groups
are whole numbers.
"""

import re
from collections.abc import Iterable

import numpy as np

# LUPerson-NL repository, LUP-NL/extract.py and LUP-NL/convert_lmdb.py:
# person (global over all videos), frame from 0, number of the box in it.
LUPERSON_NL_IMAGE = re.compile(r'(\d{6})_(\d{7})_(\d{2,})', re.ASCII)
LUPERSON_NL_KEY = re.compile(r'(\d{5})_(\d{6})_(\d{7})_(\d{2,})', re.ASCII)
# LUPerson repository, LUP/extract.py: frame from 1, number of the box in it.
LUPERSON_IMAGE = re.compile(r'(\d{8})_(\d{4,})', re.ASCII)
# LUP/convert_lmdb.py: country, city, video, ordinal of the image in it.
LUPERSON_KEY = re.compile(r'(\d{2})_(\d{2})_(\d{4})_(\d{8})', re.ASCII)
# MARS: person (00-1 is junk), camera, tracklet, frame of the tracklet from 1.
MARS_IMAGE = re.compile(
    r'(?:00(?=-1))?(-1|\d{4})C(\d)T(\d{4})F(\d{3,})', re.ASCII
)


def parse_names(
    names: Iterable[str], pattern: re.Pattern[str]
) -> tuple[np.ndarray, list[int], list[int]]:
    """Read the numbers in names.

    Args:
        names: ``n`` of them.
        pattern: must match a name as a whole; groups are whole numbers.

    Returns:
        ``(m, G)`` int64 numbers of the names that match, and the indices of
        the names that match and of those that do not.
    """
    values: list[int] = []
    good, bad = [], []
    for index, name in enumerate(names):
        found = pattern.fullmatch(name)
        if found is None:
            bad.append(index)
        else:
            good.append(index)
            values.extend(map(int, found.groups()))
    fields = np.array(values, np.int64).reshape(-1, pattern.groups)
    return fields, good, bad
