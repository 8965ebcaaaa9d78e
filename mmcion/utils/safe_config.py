"""Makes YAML and JSON configs data: reading one runs no code.

mmengine reads YAML with the loader that can call anything, and lets a YAML or
JSON config inherit from a Python one. Importing this module changes both, and
makes ``mmcion::...`` a ``_base_``, see ``mmcion.registry``.
"""

from __future__ import annotations

from typing import Any

import yaml
from mmengine.config import Config
from mmengine.fileio.handlers import yaml_handler

from mmcion import registry  # noqa: F401

from .checks import UserError


class DataLoader(yaml.SafeLoader):
    """Reads plain values, and the tuples that ``Config.dump`` writes."""

    def construct_tuple(self, node: Any) -> tuple[Any, ...]:
        """Return a tuple of the items of a sequence."""
        return tuple(self.construct_sequence(node, deep=True))


DataLoader.add_constructor(
    'tag:yaml.org,2002:python/tuple', DataLoader.construct_tuple
)


_base_files = Config._get_base_files


def _data_files(filename: str) -> list[str]:
    """Return the ``_base_`` files of a config; data have no code below."""
    bases = _base_files(filename)
    code = [base for base in bases if base.endswith('.py')]
    if code and not filename.endswith('.py'):
        raise UserError(
            f'{filename} has the Python file {code[0]} in its _base_, which '
            f'is code; inherit from YAML or JSON, or write it in Python.'
        )
    return bases


yaml_handler.Loader = DataLoader
Config._get_base_files = staticmethod(_data_files)
