"""SkipReport: what a reader skipped, why, and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .io import write_json
from .paths import printable

_NUM_EXAMPLES = 5  # kept of each reason


class SkipReport:
    """Counts by reason with the first examples, and notes.

    Args:
        source: File or folder that was read.
    """

    def __init__(self, source: str | Path) -> None:
        self.source = str(source)
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self.notes: list[str] = []

    def skip(self, reason: str, *examples: str, count: int = 0) -> None:
        """Count items that are skipped.

        Args:
            reason: Key under which they are counted.
            examples: The items, or some of them.
            count: Number of items, if not all of them are given.
        """
        self.counts[reason] += max(count, len(examples))
        kept = self.examples.setdefault(reason, [])
        some = examples[: _NUM_EXAMPLES - len(kept)]
        kept.extend(map(printable, some))

    def skip_rows(
        self,
        reason: str,
        paths: Sequence[bytes] | np.ndarray,
        mask: np.ndarray,
    ) -> None:
        """Count the images of a mask ``(N,)``; ``paths`` are of all images."""
        rows = np.flatnonzero(mask)
        if len(rows):
            some = [printable(paths[row]) for row in rows[:_NUM_EXAMPLES]]
            self.skip(reason, *some, count=len(rows))

    def note(self, text: str) -> None:
        """Add a note, once."""
        text = printable(text)
        if text not in self.notes:
            self.notes.append(text)

    def compare(self, what: str, found: int, published: int) -> None:
        """Note how a count compares with the published one."""
        other = f'published are {published:,}'
        verdict = 'as published' if found == published else other
        self.note(f'{found:,} {what}, {verdict}')

    def merge(self, other: dict[str, Any]) -> None:
        """Add another report, as its ``to_dict`` returns it."""
        for reason, item in other['skipped'].items():
            self.skip(reason, *item['examples'], count=item['count'])
        for text in other['notes']:
            self.note(text)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; most frequent reasons first."""
        skipped = {
            reason: {'count': count, 'examples': self.examples[reason]}
            for reason, count in self.counts.most_common()
        }
        return {
            'source': self.source,
            'num_skipped': self.counts.total(),
            'skipped': skipped,
            'notes': self.notes,
        }

    def save(self, path: str | Path, **more: Any) -> None:
        """Write the report and ``more`` values as JSON, atomically."""
        write_json(path, {**self.to_dict(), **more})

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        lines = [
            f'skipped {count:,}: {reason} '
            f'(such as {", ".join(self.examples[reason][:2])})'
            for reason, count in self.counts.most_common()
        ]
        return [*lines, *(f'note: {text}' for text in self.notes)]
