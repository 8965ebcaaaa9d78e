"""Configs and tools: those of the checkout, or copies of them in the wheel.

``mmcion/.mim`` is where OpenMMLab looks for them: mmengine for
``mmcion::cion/CONFIG.py``, which a ``_base_`` may name. In a checkout it has
links.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
MIM = PACKAGE / '.mim'
# of the repository, not for users of the package
_INTERNAL = {'make_venv', 'model_table'}


def find_config(path: str | Path) -> str:
    """Return the path of a config.

    Args:
        path: Path of a file, ``mmcion::cion/CONFIG.py``, or
            ``configs/cion/CONFIG.py``, which is one of ours where there is no
            such file.
    """
    path = str(path)
    if path.startswith('mmcion::'):
        return str(MIM / 'configs' / path.removeprefix('mmcion::'))
    ours = MIM / path
    if path.startswith('configs/') and not Path(path).exists():
        return str(ours) if ours.exists() else path
    return path


def drop_own_scope(cfg: Any) -> None:
    """Delete ``_scope_='mmcion'`` of a config in place.

    mmengine marks all that comes from ``mmcion::...``. It says nothing where
    mmcion is the default scope, and is an argument too many for functions.
    """
    if isinstance(cfg, dict):
        if cfg.get('_scope_') == 'mmcion':
            del cfg['_scope_']
        cfg = list(cfg.values())
    if isinstance(cfg, list | tuple):
        for value in cfg:
            drop_own_scope(value)


def command_name(tool: str | Path) -> str:
    """Return the name of a tool as a command: ``extract-tracklets``."""
    return Path(tool).stem.replace('_', '-')


def list_tools() -> dict[str, Path]:
    """Return the tools by the names of their commands, folder by folder."""
    tools = MIM / 'tools'
    files = [*tools.glob('*'), *tools.glob('*/*')]
    return {
        command_name(path): path
        for path in sorted(files, key=lambda each: (each.parent, each))
        if path.suffix in ('.py', '.sh') and path.stem not in _INTERNAL
    }


def name_commands(text: str) -> str:
    """Return a text with ``mmcion test`` in place of a call of the tool."""
    return re.sub(
        r'(?:(?:python|bash) )?\S*\btools/(?:\w+/)?(\w+)\.(?:py|sh)\b',
        lambda found: f'mmcion {command_name(found[1])}',
        text,
    )


def show_command(words: Sequence[str]) -> str:
    """Return arguments of ``python`` as a line to type.

    A tool of the wheel is named by its command.
    """
    tool, *rest = words
    first = f'python {shlex.quote(tool)}'
    if '.mim' in Path(tool).parts:
        first = f'mmcion {command_name(tool)}'
    return ' '.join([first, *map(shlex.quote, rest)])
