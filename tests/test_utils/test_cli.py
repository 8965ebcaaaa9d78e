import argparse

import pytest

from mmcion.utils.cli import (
    add_cfg_options,
    add_launcher,
    run_tool,
    tool_parser,
)


def raise_(error):
    raise error


@pytest.mark.parametrize(
    ('error', 'status', 'message'),
    [
        (ValueError('sigma is 3'), 1, 'error: sigma is 3'),
        (FileNotFoundError('no table'), 1, 'error: no table'),
        (KeyboardInterrupt(), 130, 'stopped'),
    ],
)
def test_mistakes_end_with_a_message(capsys, error, status, message):
    with pytest.raises(SystemExit) as stop:
        run_tool(lambda: raise_(error))
    assert stop.value.code == status
    assert message in capsys.readouterr().err


def test_bugs_keep_their_traceback():
    with pytest.raises(KeyError):
        run_tool(lambda: raise_(KeyError('bug')))


def test_shared_options():
    parser = tool_parser('what', 'example:\n  x')
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args(['--cfg-options', 'a.b=(1,2)', 'c=x'])
    assert args == argparse.Namespace(
        cfg_options={'a.b': (1, 2), 'c': 'x'}, launcher='none'
    )
    assert 'example:\n  x' in parser.format_help()
