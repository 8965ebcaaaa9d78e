"""Images that carry all there is to know in a name or an LMDB key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import WRONG_NAME, find_like, walk_images
from .lmdb_keys import find_lmdb, read_keys
from .name_rules import parse_names

Part = tuple[list[str], list[bytes]]


class KeyedImages:
    """Where images lie that are named by keys.

    Args:
        root: an LMDB, or the folder of ``lmdb`` and ``keys.pkl``; or a
            folder of images, or the folder above it.
        pattern: of the keys.

    Attributes:
        lmdb: the LMDB, if it is one.
        found: whether ``root`` is one of these at all.
    """

    def __init__(self, root: Path, pattern: re.Pattern[str]) -> None:
        self.root = root
        self.pattern = pattern
        self.lmdb = find_lmdb(root)
        self._flat = (
            None if self.lmdb else find_like(root, pattern, max_depth=1)
        )
        self.found = bool(self.lmdb or self._flat)

    def read(
        self,
        add: Callable[[np.ndarray, list[bytes]], None],
        report: SkipReport,
        *,
        check_sizes: bool = False,
    ) -> None:
        """Go through all images.

        Args:
            add: called with ``(n, G)`` numbers of the keys and ``n`` paths.
            report: other names are counted there.
            check_sizes: leave out images of zero bytes.
        """
        with progress_bar(desc='reading', unit='img') as bar:
            for names, paths in self._parts(report, check_sizes):
                fields, good, bad = parse_names(names, self.pattern)
                if bad:
                    some = [names[i] for i in bad[:5]]
                    report.skip(WRONG_NAME, *some, count=len(bad))
                add(fields, [paths[i] for i in good])
                bar.update(len(names))

    def _parts(self, report: SkipReport, check_sizes: bool) -> Iterator[Part]:
        """Yield names without their endings, and paths."""
        if self.lmdb is not None:
            for keys in read_keys(self.lmdb, report, check_sizes=check_sizes):
                yield [key.decode('ascii', 'replace') for key in keys], keys
            return
        depth = (self._flat or '').count('/')
        for parts, names in walk_images(
            self.root, depth, report, check_sizes=check_sizes
        ):
            stems = [name.rpartition('.')[0] for name in names]
            yield stems, ['/'.join((*parts, n)).encode() for n in names]
