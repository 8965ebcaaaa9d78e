"""The command mmcion."""

import os
import sys
from unittest.mock import patch

import pytest

from mmcion import __version__
from mmcion.__main__ import main, make_parser, read_summary
from mmcion.utils.packaged import list_tools


def call(*words):
    """Run the command in this process; return the status it ends with."""
    with (
        patch.object(sys, 'argv', ['mmcion', *words]),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return ended.value.code


@pytest.mark.parametrize('words', [(), ('--help',)])
def test_help_lists_every_tool_with_a_line_of_its_own(words, capsys):
    assert call(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, path in list_tools().items():
        (line,) = (line for line in lines if line.startswith(f'  {name} '))
        summary = line.removeprefix(f'  {name} ').strip()
        assert summary == read_summary(path)
        assert summary[0].isupper() and summary[-1] == '.'


def test_version(capsys):
    assert call('--version') == 0
    assert capsys.readouterr().out.strip() == __version__


def test_an_unknown_command_names_the_nearest(capsys):
    assert call('trian') == 2
    assert "'trian': give train," in capsys.readouterr().err


def test_a_tool_runs_with_its_words_and_status(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    # status 2 by its own parser, 1 for what the words name
    assert call('cional2annotation') == 2
    error = capsys.readouterr().err
    assert error.startswith('usage: mmcion cional2annotation ')
    assert call('verify', 'none') == 1
    assert capsys.readouterr().err.startswith('error: ')
    assert call('train', '--help') == 0
    output = capsys.readouterr().out
    assert '  mmcion train configs/cion/' in output
    assert 'tools/train.py' not in output


@pytest.mark.parametrize('python', [None, 'python9'])
def test_scripts_run_with_this_python(monkeypatch, python):
    called = []
    monkeypatch.delenv('PYTHON', raising=False)
    if python is not None:
        monkeypatch.setenv('PYTHON', python)

    def replace(*arguments):
        called.extend(arguments)
        sys.exit(0)

    monkeypatch.setattr(os, 'execvpe', replace)
    assert call('dist-train', 'a.py', '2') == 0
    _, words, environment = called
    assert words[0] == 'bash' and words[2:] == ['a.py', '2']
    assert words[1].endswith('dist_train.sh')
    assert environment['PYTHON'] == (python or sys.executable)


def test_parser_is_that_of_the_tools_given(tmp_path):
    tool = tmp_path / 'my_tool.sh'
    tool.write_text('#!/bin/sh\n# Do it.\n')
    assert (
        '  my-tool                Do it.'
        in make_parser({'my-tool': tool}).format_help()
    )
