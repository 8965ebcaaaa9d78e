"""The models of the zoo by name, read from model-index.yml.

Apart from ``zoo``, because nothing here needs torch.
"""

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
        arch: Name of the architecture.
        file: Name of its weights in the folder ``MMCION_ZOO``.
        config: Recipe to train it, in the repository.
        pretraining: Data that it was trained on.
        input_size: Height and width in pixels.
        mean: Per channel, of RGB images in [0, 1].
        std: Per channel, likewise.
        license: Terms of the weights.
        obtain: How to get them.
        url: Address of a public download, or None.
        sha256: Of the file that its authors released; None if unknown.
    """

    name: str
    arch: str
    file: str
    config: str
    pretraining: str
    input_size: list[int]
    mean: list[float]
    std: list[float]
    license: str
    obtain: str
    url: str | None = None
    sha256: str | None = None


def list_models(pattern: str | None = None) -> list[str]:
    """Return the names of the models of the zoo, family by family.

    Args:
        pattern: As of file names, such as ``'*ibn*'``; hyphens stand for
            underscores.
    """
    wanted = (pattern or '*').lower().replace('-', '_')
    return [name for name in read_index() if fnmatchcase(name, wanted)]


def read_index() -> dict[str, ZooEntry]:
    """Return the entries of the index by name."""
    content = yaml.safe_load(INDEX.read_text())
    index = {}
    # family by family, so that list_models has an order
    for family in content['architectures']:
        for arch in family:
            values = {
                **content['defaults'],
                **content['exceptions'].get(arch, {}),
            }
            for key in ('file', 'config'):
                values[key] = values[key].format(
                    name=arch, hyphens=arch.replace('_', '-')
                )
            index[f'cion_{arch}'] = ZooEntry(f'cion_{arch}', arch, **values)
    return index
