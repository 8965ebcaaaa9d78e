"""Draw: a row of a data set with the seed of its random transforms."""

from __future__ import annotations

import random

import numpy as np
import torch


class Draw(int):
    """Row of a data set, with the seed of what its transforms draw.

    To a data set it is a plain number. If the data set calls
    ``seed_transforms``, the views do not depend on what the worker did
    before, on the number of workers and ranks, or on a resume.
    """

    # seed of the run, epoch, and position in the epoch over all ranks
    entropy: tuple[int, int, int]

    def __new__(
        cls, row: int, entropy: tuple[int, int, int] = (0, 0, 0)
    ) -> Draw:
        """Create a draw; pickling restores ``entropy`` by itself."""
        draw = super().__new__(cls, row)
        draw.entropy = entropy
        return draw


def seed_transforms(row: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch for a ``Draw``.

    For other rows they stay as mmengine seeded them for the worker.
    """
    if isinstance(row, Draw):
        state = np.random.SeedSequence(row.entropy).generate_state(3)
        random.seed(int(state[0]))
        np.random.seed(state[1])
        # of the CPU alone, where transforms run: torch.manual_seed formats the
        # stack for every other kind of device, which takes as long as a view
        torch.default_generator.manual_seed(int(state[2]))
