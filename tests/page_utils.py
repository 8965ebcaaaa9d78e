"""Run the examples of a page as its reader would."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .tool_utils import ROOT, free_port

_FENCE = re.compile(r'^```(\w+)\n(.*?)^```$', re.M | re.S)
# what the examples name, seen from the root of the repository
_FOLDERS = ('configs', 'projects', 'tools')


@dataclass
class Block:
    """A fenced block of a page.

    Attributes:
        language: Word behind the fence.
        text: What stands between the fences.
        file: Name in the first line of a Python block, as in
            ``# my_module.py``: the block is that file.
    """

    language: str
    text: str

    @property
    def file(self):
        if self.language != 'python':
            return None
        title = re.match(r'# (\S+\.py)\n', self.text)
        return title and title[1]


def read_blocks(page, language=None):
    """Return the fenced blocks of a page, of one language or of all.

    Args:
        page: Path below the root of the repository.
        language: Word behind the fence.
    """
    blocks = [Block(*x) for x in _FENCE.findall((ROOT / page).read_text())]
    return [x for x in blocks if language in (None, x.language)]


def run_page(page, folder):
    """Run a page's blocks of ``bash`` and ``python`` exactly as printed.

    Python blocks that begin with the name of a file are written to it, others
    run in a process of their own. Blocks of other languages, such as ``text``
    and ``sh``, are only shown.

    Args:
        page: Path below the root of the repository.
        folder: Empty folder that looks like the root of the repository to
            the examples, and receives what they write.

    Returns:
        What each block printed.
    """
    folder = Path(folder)
    for name in _FOLDERS:
        (folder / name).symlink_to(ROOT / name)
    environment = {
        **os.environ,
        'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        'PYTHONPATH': str(ROOT),
        'PORT': str(free_port()),
        'TF_CPP_MIN_LOG_LEVEL': '3',
    }
    commands = {
        'bash': ['bash', '-euo', 'pipefail', '-c'],
        'python': [sys.executable, '-c'],
    }
    printed = []
    for block in read_blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text)
        elif block.language in commands:
            done = subprocess.run(
                [*commands[block.language], block.text],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert done.returncode == 0, f'{block.text}\n{done.stdout[-4000:]}'
            printed.append(done.stdout)
    return printed
