"""The command ``mmcion``: runs the tools by name."""

from __future__ import annotations

import argparse
import ast
import os
import runpy
import sys
from difflib import get_close_matches
from pathlib import Path

from .utils.cli import tool_parser
from .utils.packaged import list_tools
from .version import __version__

EXAMPLE = """examples:
  mmcion extract-tracklets videos/ --out work_dirs/tracklets
  mmcion train configs/cion/cion_resnet50-ibn_1xb240-100e_cional.py --data IDS
  mmcion train --help
  mmcion dist-train CONFIG 8 --data IDS     # on eight GPUs

Names of configs/... are those of the package where there is no such file.
"""


def read_summary(tool: Path) -> str:
    """Return the first line of a tool about itself, without running it."""
    text = tool.read_text()
    if tool.suffix == '.sh':  # a comment below the #! line
        return text.splitlines()[1].removeprefix('# ')
    return (ast.get_docstring(ast.parse(text)) or '').partition('\n')[0]


def make_parser(tools: dict[str, Path]) -> argparse.ArgumentParser:
    """Return the parser of the first word, which lists the tools."""
    lines = ['Tools for person re-identification pre-training.']
    folder = None
    for name, path in tools.items():
        if path.parent.name != folder:
            folder = path.parent.name
            lines.append(f'\n{folder.replace("_", " ")}:')
        lines.append(f'  {name:22} {read_summary(path)}')
    parser = tool_parser('\n'.join(lines), EXAMPLE)
    parser.prog, parser.usage = 'mmcion', 'mmcion COMMAND [arguments]'
    parser.add_argument('--version', action='version', version=__version__)
    parser.add_argument(
        'command',
        metavar='COMMAND',
        help='one of the above; COMMAND --help explains its arguments',
    )
    return parser


def main() -> None:
    """Run the tool that the first word names, with the words after it."""
    tools = list_tools()
    parser = make_parser(tools)
    name = parser.parse_args(sys.argv[1:2] or ['--help']).command
    path, words = tools.get(name.replace('_', '-')), sys.argv[2:]
    if path is None:
        close = ' or '.join(get_close_matches(name, tools)) or 'a command'
        parser.error(f'no command {name!r}: give {close}, see mmcion --help')
    if path.suffix == '.sh':
        environment = {'PYTHON': sys.executable, **os.environ}
        os.execvpe('bash', ['bash', str(path), *words], environment)
    sys.argv = [str(path), *words]
    runpy.run_path(str(path), run_name='__main__')


if __name__ == '__main__':
    main()
