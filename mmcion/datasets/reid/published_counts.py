"""Published numbers of images, identities and cameras of data sets."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple

from mmengine.logging import print_log

from .reid_image import JUNK, ReIDImage


class Count(NamedTuple):
    """Size of one part, without junk; None if unknown.

    Attributes:
        units: Number of images, or of tracklets where these are evaluated.
        pids: Number of identities; the 0 of distractors is one.
        cams: Number of cameras.
    """

    units: int | None
    pids: int | None
    cams: int | None = None

    def text(self, unit: str) -> str:
        """Return the numbers with their names."""
        known = zip(self, (unit, 'identities', 'cameras'), strict=True)
        return ', '.join(f'{n:,} {word}' for n, word in known if n is not None)

    def agrees(self, other: Count) -> bool:
        """Return whether all numbers that both have are equal."""
        pairs = zip(self, other, strict=True)
        return all(a == b for a, b in pairs if a is not None and b is not None)


# Source: the authors' pages and the dataset classes of torchreid, fast-reid,
# SpCL and TransReID, which agree, for SYSU-MM01 and RegDB of MMGL.
PUBLISHED = {
    'Market1501': {
        'train': Count(12_936, 751, 6),
        'query': Count(3_368, 750, 6),
        'gallery': Count(15_913, 751, 6),
    },
    'MSMT17': {
        'train': Count(32_621, 1_041, 15),
        'query': Count(11_659, 3_060, 15),
        'gallery': Count(82_161, 3_060, 15),
    },
    'CUHK03NP labeled': {
        'train': Count(7_368, 767, 2),
        'query': Count(1_400, 700, 2),
        'gallery': Count(5_328, 700, 2),
    },
    'CUHK03NP detected': {
        'train': Count(7_365, 767, 2),
        'query': Count(1_400, 700, 2),
        'gallery': Count(5_332, 700, 2),
    },
    'DukeMTMCreID': {
        'train': Count(16_522, 702, 8),
        'query': Count(2_228, 702, 8),
        'gallery': Count(17_661, 1_110, 8),
    },
    'OccludedDuke': {
        'train': Count(15_618, 702, 8),
        'query': Count(2_210, 519, 8),
        'gallery': Count(17_661, 1_110, 8),
    },
    'PersonX': {
        'train': Count(9_840, 410, 6),
        'query': Count(5_136, 856, 6),
        'gallery': Count(30_816, 856, 6),
    },
    'VeRi776': {
        'train': Count(37_778, 576, 20),
        'query': Count(1_678, 200),
        'gallery': Count(11_579, 200),
    },
    'SYSUMM01': {
        'train': Count(22_258 + 11_909, 395, 6),
        'query': Count(3_803, 96, 2),
        'gallery': Count(None, 96, 4),
    },
    'RegDB': {
        'train': Count(2 * 2_060, 206, 2),
        'query': Count(2_060, 206, 1),
        'gallery': Count(2_060, 206, 1),
    },
    'MARS': {
        'train': Count(8_298, 625, 6),
        'query': Count(1_980, 626, 6),
        'gallery': Count(9_330, None, 6),
    },
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
    """Log whether a part has the published size; warn if not.

    Args:
        name: Title of the set. Nothing is logged if it is not in the table.
        part: Part of it, such as ``train``; likewise.
        images: Images of the part, one of each tracklet.
        source: Folder of the images.
        unit: What is counted, for the message.
    """
    published = PUBLISHED.get(name, {}).get(part)
    if published is None:
        return
    found = count(images)
    if found.agrees(published):
        print_log(
            f'{name}, {part}: {found.text(unit)}, as published',
            logger='current',
        )
        return
    others = [
        title
        for title, parts in PUBLISHED.items()
        if part in parts and found.agrees(parts[part])
    ]
    hint = (
        f'These are the numbers of {" or ".join(others)}.'
        if others
        else 'Files are missing or added, or it is another version.'
    )
    print_log(
        f'{name}, {part}: found {found.text(unit)}; published are '
        f'{published.text(unit)}. {hint} Scores on such data cannot be '
        f'compared with published ones; check {source}.',
        logger='current',
        level=logging.WARNING,
    )
