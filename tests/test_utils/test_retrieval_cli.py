import argparse
import os

import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.retrieval_cli import (
    add_retrieval_options,
    check_outputs,
    retrieval_options,
)


def options_of(*arguments):
    parser = argparse.ArgumentParser()
    add_retrieval_options(parser)
    return retrieval_options(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        ([], {}),
        (['--rerank'], {'rerank': {}}),
        (
            ['--rerank', 'k1=30', 'lambda_value=0.2', 'variant=faiss'],
            {'rerank': {'k1': 30, 'lambda_value': 0.2, 'variant': 'faiss'}},
        ),
        (
            ['--qe', 'k=5', 'alpha=0'],
            {'query_expansion': {'k': 5, 'alpha': 0}},
        ),
        (['--fpr', '0.1', '1e-3'], {'fprs': (0.1, 0.001)}),
    ],
)
def test_options(arguments, expected):
    assert options_of(*arguments) == expected


@pytest.mark.parametrize('option', ['--rerank', '--qe'])
def test_argument_that_is_no_option_is_named(option, capsys):
    with pytest.raises(SystemExit) as ended:
        options_of(option, 'k=1', 'configs/a.py')
    assert ended.value.code == 2
    assert "'configs/a.py'" in capsys.readouterr().err


def test_outputs_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    file = tmp_path / 'file.json'
    file.touch()
    check_outputs(out=str(file), show_dir=str(tmp_path), dump_features=None)
    check_outputs(out=str(tmp_path / 'a' / 'b.json'), show_dir=None)
    with pytest.raises(UserError, match=f'--out {tmp_path} is a folder'):
        check_outputs(out=str(tmp_path))
    with pytest.raises(UserError, match=f'--show-dir {file} is a file'):
        check_outputs(show_dir=str(file))
    with pytest.raises(UserError, match=r'\.json; got .*model\.pth'):
        check_outputs(out=str(tmp_path / 'model.pth'))
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(UserError, match='--out .*new'):
        check_outputs(out=str(tmp_path / 'new'))
