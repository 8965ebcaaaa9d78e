import argparse
import signal
import sys

import pytest
from torch.utils.data import DataLoader, Dataset

from mmcion.registry import METRICS, TRANSFORMS
from mmcion.utils.checks import UserError
from mmcion.utils.cli import (
    SAME_COMMAND,
    add_cfg_options,
    add_launcher,
    read_config,
    run_tool,
    runner_config,
    tool_parser,
)


def raise_(error):
    raise error


@pytest.mark.parametrize(
    ('error', 'status', 'message'),
    [
        (UserError('sigma is 3'), 1, 'error: sigma is 3'),
        (FileNotFoundError('no table'), 1, 'error: no table'),
        (KeyboardInterrupt(), 130, 'stopped'),
    ],
)
def test_mistakes_end_with_a_message(capsys, error, status, message):
    with pytest.raises(SystemExit) as stop:
        run_tool(lambda: raise_(error))
    assert stop.value.code == status
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ('on_interrupt', 'message'),
    [('', 'stopped\n'), (SAME_COMMAND, f'stopped; {SAME_COMMAND}\n')],
)
def test_stopped_tools_say_how_to_continue(capsys, on_interrupt, message):
    with pytest.raises(SystemExit):
        run_tool(
            lambda: raise_(KeyboardInterrupt()), on_interrupt=on_interrupt
        )
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(
    'bug', [KeyError('bug'), ValueError('bug'), TypeError('bug')]
)
def test_bugs_keep_their_traceback(bug):
    with pytest.raises(type(bug), match='bug'):
        run_tool(lambda: raise_(bug))


def test_custom_imports_find_modules_of_the_working_directory(
    tmp_path, monkeypatch
):
    (tmp_path / 'my_levels.py').write_text('READ = True\n')
    config = tmp_path / 'mine.py'
    config.write_text("custom_imports = dict(imports=['my_levels'])\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    run_tool(lambda: read_config(config))
    assert sys.modules.pop('my_levels').READ


def test_shared_options():
    parser = tool_parser('what', 'example:\n  x')
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args(['--cfg-options', 'a.b=(1,2)', 'c=x'])
    assert args == argparse.Namespace(
        cfg_options={'a.b': (1, 2), 'c': 'x'}, launcher='none'
    )
    assert 'example:\n  x' in parser.format_help()


@pytest.mark.parametrize(
    ('given', 'content', 'expected'),
    [
        ('mine', "work_dir = 'own'", 'mine'),
        (None, "work_dir = 'own'", 'own'),
        (None, 'a = 1', 'work_dirs/tiny'),
    ],
)
def test_work_dir_of_a_runner(tmp_path, given, content, expected):
    file = tmp_path / 'tiny.py'
    file.write_text(f'{content}\nb = dict(c=1)\n')
    args = argparse.Namespace(
        config=str(file),
        cfg_options={'b.c': 2},
        launcher='none',
        work_dir=given,
    )
    cfg = runner_config(args)
    assert (cfg.work_dir, cfg.launcher, cfg.b.c) == (expected, 'none', 2)


def test_config_that_cannot_be_read_is_named(tmp_path):
    file = tmp_path / 'wrong.py'
    file.write_text('a = (')
    with pytest.raises(ValueError, match=r'wrong\.py'):
        read_config(file)


def test_setting_that_is_not_there_is_named(tmp_path):
    file = tmp_path / 'right.py'
    file.write_text('pipeline = [dict(sigma=0.3)]')
    cfg = read_config(file, {'pipeline.0.sigma': 0.5})
    assert cfg.pipeline[0].sigma == 0.5
    with pytest.raises(ValueError, match=r'pipeline\.9\.sigma'):
        read_config(file, {'pipeline.9.sigma': 1})


class UnreadableError(UserError):
    """An error of a data set."""


class Broken(Dataset):
    """A data set whose images cannot be read."""

    def __len__(self):
        return 1

    def __getitem__(self, row):
        raise UnreadableError('a.jpg is damaged:\nget it again')


def test_error_of_a_worker_is_told_without_its_traceback(capsys):
    def main():
        next(iter(DataLoader(Broken(), num_workers=1)))

    with pytest.raises(SystemExit) as ended:
        run_tool(main)
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told == 'error: a.jpg is damaged:\nget it again\n'


@pytest.mark.parametrize(
    ('component', 'message'),
    [
        ({'type': 'Nothing'}, 'Nothing is not in the mmcion::metric registry'),
        (
            {'type': 'ResizeImage', 'foo': 1},
            "unexpected keyword argument 'foo'",
        ),
    ],
)
def test_unknown_components_and_options_are_told(component, message, capsys):
    registry = METRICS if component['type'] == 'Nothing' else TRANSFORMS

    with pytest.raises(SystemExit) as ended:
        run_tool(lambda: registry.build(component))
    assert ended.value.code == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('error', [KeyError('x'), TypeError('y')])
def test_mistakes_in_the_code_keep_their_traceback(error):
    def main():
        raise error

    with pytest.raises(type(error)):
        run_tool(main)


def test_sigterm_ends_as_ctrl_c(capsys):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stop:
        run_tool(
            lambda: signal.raise_signal(signal.SIGTERM), on_interrupt='again'
        )
    assert stop.value.code == 143
    assert capsys.readouterr().err == 'stopped; again\n'
    assert signal.getsignal(signal.SIGTERM) == before


def test_checkpoint_in_the_place_of_a_config_is_named(tmp_path):
    with pytest.raises(UserError, match=r'a\.pth'):
        read_config(tmp_path / 'a.pth')
