"""The models of the zoo by name; needs no torch, as ``zoo`` does."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

import yaml

INDEX = Path(__file__).parents[1] / 'model-index.yml'


@dataclass(frozen=True)
class ZooEntry:
    """One model of the zoo, as ``model-index.yml`` describes it."""

    name: str  # cion_<arch>
    arch: str
    file: str  # name of its weights in the folder MMCION_ZOO
    config: str  # recipe to train it, in the repository
    pretraining: str  # data that it was trained on
    input_size: list[int]  # height and width
    mean: list[float]  # per channel, of RGB images in [0, 1]
    std: list[float]
    license: str  # of the weights
    obtain: str  # how to get them
    url: str | None = None  # of a public download
    sha256: str | None = None  # of the released file


def list_models(pattern: str | None = None) -> list[str]:
    """Return the names of the models of the zoo, family by family.

    Args:
        pattern: Wildcard such as ``'*ibn*'``; hyphens stand for underscores.
    """
    wanted = (pattern or '*').lower().replace('-', '_')
    return [name for name in read_index() if fnmatchcase(name, wanted)]


def read_index() -> dict[str, ZooEntry]:
    """Return the entries of ``model-index.yml`` by name."""
    content = yaml.safe_load(INDEX.read_text())
    index = {}
    # family by family, so that list_models has an order
    for arch in chain.from_iterable(content['architectures']):
        values = content['defaults'] | content['exceptions'].get(arch, {})
        for key in ('file', 'config'):
            values[key] = values[key].format(
                name=arch, hyphens=arch.replace('_', '-')
            )
        index[f'cion_{arch}'] = ZooEntry(f'cion_{arch}', arch, **values)
    return index
