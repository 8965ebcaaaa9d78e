"""Published numbers of images, identities and cameras of ReID data sets."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import starmap
from typing import NamedTuple

from mmengine.logging import print_log

from .reid_image import JUNK, ReIDImage


class Count(NamedTuple):
    """Size of one part, without junk; None if unknown."""

    units: int | None  # images, or tracklets where these are evaluated
    pids: int | None  # the 0 of distractors is one
    cams: int | None = None

    def text(self, unit: str) -> str:
        """Return the numbers with their names."""
        known = zip(self, (unit, 'identities', 'cameras'), strict=True)
        return ', '.join(f'{n:,} {word}' for n, word in known if n is not None)

    def agrees(self, other: Count) -> bool:
        """Return whether all numbers that both have are equal."""
        pairs = zip(self, other, strict=True)
        return all(a == b for a, b in pairs if a is not None and b is not None)


_PARTS = ('train', 'query', 'gallery')
# Units, identities and cameras of train, query and gallery. Source: the
# authors' pages and the dataset classes of torchreid, fast-reid, SpCL and
# TransReID, which agree; for SYSU-MM01 and RegDB those of MMGL.
_SIZES: dict[str, tuple[tuple[int | None, ...], ...]] = {
    'Market1501': ((12_936, 751, 6), (3_368, 750, 6), (15_913, 751, 6)),
    'MSMT17': ((32_621, 1_041, 15), (11_659, 3_060, 15), (82_161, 3_060, 15)),
    'CUHK03NP labeled': ((7_368, 767, 2), (1_400, 700, 2), (5_328, 700, 2)),
    'CUHK03NP detected': ((7_365, 767, 2), (1_400, 700, 2), (5_332, 700, 2)),
    'DukeMTMCreID': ((16_522, 702, 8), (2_228, 702, 8), (17_661, 1_110, 8)),
    'OccludedDuke': ((15_618, 702, 8), (2_210, 519, 8), (17_661, 1_110, 8)),
    'PersonX': ((9_840, 410, 6), (5_136, 856, 6), (30_816, 856, 6)),
    # cameras of the test part are unknown
    'VeRi776': ((37_778, 576, 20), (1_678, 200), (11_579, 200)),
    # visible and infrared images; the protocol draws from the gallery
    'SYSUMM01': ((22_258 + 11_909, 395, 6), (3_803, 96, 2), (None, 96, 4)),
    # as many visible as thermal images
    'RegDB': ((2 * 2_060, 206, 2), (2_060, 206, 1), (2_060, 206, 1)),
    # tracklets instead of images
    'MARS': ((8_298, 625, 6), (1_980, 626, 6), (9_330, None, 6)),
}
PUBLISHED = {
    name: dict(zip(_PARTS, starmap(Count, sizes), strict=True))
    for name, sizes in _SIZES.items()
}


def count(images: Iterable[ReIDImage]) -> Count:
    """Count images, identities and cameras; junk is not counted."""
    kept = [image for image in images if image.pid != JUNK]
    return Count(
        len(kept),
        len({image.pid for image in kept}),
        len({image.cam_id for image in kept}),
    )


def compare_counts(
    name: str,
    part: str,
    images: Iterable[ReIDImage],
    source: object,
    unit: str = 'images',
) -> None:
    """Log whether a part has the published size, if known; warn if not.

    There is one image of each tracklet; ``unit`` is what the message counts.
    """
    published = PUBLISHED.get(name, {}).get(part)
    if published is None:
        return
    found = count(images)
    if found.agrees(published):
        text = f'{name}, {part}: {found.text(unit)}, as published'
        print_log(text, 'current')
        return
    others = [
        title
        for title, parts in PUBLISHED.items()
        if part in parts and found.agrees(parts[part])
    ]
    hint = 'Files are missing or added, or it is another version.'
    if others:
        hint = f'These are the numbers of {" or ".join(others)}.'
    print_log(
        f'{name}, {part}: found {found.text(unit)}; published are '
        f'{published.text(unit)}. {hint} Scores on such data cannot be '
        f'compared with published ones; check {source}.',
        'current',
        logging.WARNING,
    )
