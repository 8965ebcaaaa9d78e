"""SeedTransforms: the same random changes after any resume."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmcion.registry import TRANSFORMS

from ..samplers import Draw


def seed_generators(entropy: Sequence[int]) -> None:
    """Seed the generators of Python, NumPy and PyTorch from whole numbers."""
    state = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(state[1])
    torch.manual_seed(int(state[2]))


@TRANSFORMS.register_module()
class SeedTransforms:
    """Seed what the next transforms draw by (seed, epoch, position).

    For datasets of mmengine, where the numbers would depend on the workers
    and on how often a run was resumed. Seed and epoch are the sampler's, so
    they follow the run's. Rows of samplers that yield no ``Draw`` leave the
    generators as mmengine has seeded them. (Ours.)
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Seed by ``sample_idx``, which mmengine's datasets set."""
        draw = results.get('sample_idx')
        if isinstance(draw, Draw):
            seed_generators((draw.seed, draw.epoch, draw.position))
        return results
