"""Number the identities, cameras or tracklets that have names."""

import re
from collections.abc import Iterable

# 18 digits fit into int64
_INTEGER = re.compile(r'-?\d{1,18}', re.ASCII)


def number_names(names: Iterable[str]) -> dict[str, int]:
    """Return a number for each name.

    That is the name's own value if all are different integers, else its
    place in sorted order.
    """
    ordered = sorted(set(names))
    if all(map(_INTEGER.fullmatch, ordered)):
        values = {name: int(name) for name in ordered}
        if len(set(values.values())) == len(ordered):  # 7 and 07 are two
            return values
    return {name: number for number, name in enumerate(ordered)}
