"""The models of the zoo by name, read from model-index.yml."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

INDEX = Path(__file__).parents[1] / 'model-index.yml'


@dataclass(frozen=True)
class ZooEntry:
    """One model of the zoo.

    Attributes:
        name: ``cion_<arch>``.
        arch: name of the architecture.
        file: what its weights are called in the folder ``MMCION_ZOO``.
        pretraining: data that it was trained on.
        input_size: height and width in pixels.
        mean: per channel, of RGB images in [0, 1].
        std: per channel.
        license: what may be done with the weights.
        obtain: how to get them.
        config: recipe to train it, in the repository; or None.
        url: where they can be downloaded by anyone, or None.
        sha256: of the file that its authors released; None if not known.
    """

    name: str
    arch: str
    file: str
    pretraining: str
    input_size: list[int]
    mean: list[float]
    std: list[float]
    license: str
    obtain: str
    config: str | None = None
    url: str | None = None
    sha256: str | None = None


def list_models(pattern: str | None = None) -> list[str]:
    """Return the names of the models of the zoo, family by family.

    Args:
        pattern: as of file names, such as ``'*ibn*'``; hyphens stand for
            underscores.
    """
    wanted = (pattern or '*').lower().replace('-', '_')
    return [name for name in read_index() if fnmatchcase(name, wanted)]


def read_index() -> dict[str, ZooEntry]:
    """Return the entries of the index by name.

    Raises:
        ValueError: if an entry has a URL without the SHA-256 of the file.
    """
    content = yaml.safe_load(INDEX.read_text())
    index = {
        name: ZooEntry(name, **{**content['defaults'], **(own or {})})
        for name, own in content['models'].items()
    }
    for entry in index.values():
        if entry.url and not entry.sha256:
            raise ValueError(f'{INDEX}: {entry.name} has a url and no sha256')
    return index
