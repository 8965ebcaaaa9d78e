import time

import pytest

from .conftest import ROOT, run_tool

TOOLS = sorted(
    str(path.relative_to(ROOT / 'tools'))
    for path in (ROOT / 'tools').rglob('*.py')
    if 'parse_args' in path.read_text()
)


def test_tools_are_found():
    assert 'denoise.py' in TOOLS


@pytest.mark.parametrize('name', TOOLS)
def test_help_comes_fast_from_anywhere(name, tmp_path):
    began = time.monotonic()
    done = run_tool(name, '--help', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 3
    assert 'usage:' in done.stdout
    assert 'example' in done.stdout.lower()
    assert not list(tmp_path.iterdir())
