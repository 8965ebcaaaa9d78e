"""Draw: a row that a sampler yields, with its place in the epoch."""

from __future__ import annotations


class Draw(int):
    """A row of the dataset, and the how-manieth draw of the epoch it is.

    To datasets it is a plain number. One that seeds its transforms by
    ``position`` draws the same random numbers for it whatever its worker did
    before, however many workers and ranks there are, and after a resume in
    the middle of an epoch. ``SeedTransforms`` does it for any dataset.

    Attributes:
        position: counted from 0 over all ranks' batches.
        epoch: of the sampler.
        seed: of the sampler.
    """

    position: int
    epoch: int
    seed: int

    def __new__(
        cls, row: int, position: int = 0, epoch: int = 0, seed: int = 0
    ) -> Draw:
        """Make it; pickling restores the attributes by itself."""
        draw = super().__new__(cls, row)
        draw.position = position
        draw.epoch = epoch
        draw.seed = seed
        return draw
