"""Draw: a row that a sampler yields, with its place in the epoch."""

from __future__ import annotations


class Draw(int):
    """A row of the dataset, and the how-manieth draw of the epoch it is.

    To datasets it is a plain number. One that seeds its transforms by
    ``position`` draws the same random numbers for it whatever its worker did
    before, however many workers and ranks there are, and after a resume in
    the middle of an epoch.

    Attributes:
        position: counted from 0 over all ranks' batches.
    """

    position: int

    def __new__(cls, row: int, position: int = 0) -> Draw:
        """Make it; pickling restores ``position`` by itself."""
        draw = super().__new__(cls, row)
        draw.position = position
        return draw
