import argparse
import os

import pytest

from mmcion.utils.retrieval_cli import (
    add_retrieval_options,
    check_outputs,
    parse_named,
    retrieval_settings,
)


def settings_of(*arguments):
    parser = argparse.ArgumentParser()
    add_retrieval_options(parser)
    return retrieval_settings(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        ([], {}),
        (['--rerank'], {'rerank': {}}),
        (['--rerank', 'faiss'], {'rerank': {'variant': 'faiss'}}),
        (
            ['--rerank', '30, 4,0.2,zhong'],
            {
                'rerank': {
                    'k1': 30,
                    'k2': 4,
                    'lambda_value': 0.2,
                    'variant': 'zhong',
                }
            },
        ),
        (['--qe', '5'], {'query_expansion': {'k': 5, 'alpha': 0}}),
        (['--qe', '5,2.5'], {'query_expansion': {'k': 5, 'alpha': 2.5}}),
        (['--fpr', '0.1', '1e-3'], {'fprs': (0.1, 0.001)}),
        (['--show-dir', 'x'], {'keep_nearest': 10}),
    ],
)
def test_options(arguments, expected):
    assert settings_of(*arguments) == expected


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--rerank', 'configs/a.py'], r"got 'configs/a\.py'\. If that is"),
        (['--rerank', '1,2,0.3,4'], '--rerank takes K1,K2,LAMBDA'),
        (['--rerank', '20,6.5'], '--rerank takes'),
        (['--qe', 'many'], "--qe takes K or K,ALPHA.*got 'many'"),
        (['--qe', '5,'], '--qe takes'),
    ],
)
def test_mistakes_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        settings_of(*arguments)


def test_component_with_options():
    assert parse_named(['Name', 'a=1', 'b=text', 'c=(1,2)', 'd=']) == {
        'type': 'Name',
        'a': 1,
        'b': 'text',
        'c': (1, 2),
        'd': '',
    }
    with pytest.raises(ValueError, match=r"KEY=VALUE.*got 'all'"):
        parse_named(['Name', 'all'])


def test_outputs_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    file = tmp_path / 'file'
    file.touch()
    check_outputs(out=str(file), show_dir=str(tmp_path), dump_features=None)
    check_outputs(out=str(tmp_path / 'a' / 'b.json'), show_dir=None)
    with pytest.raises(ValueError, match=f'--out {tmp_path} is a folder'):
        check_outputs(out=str(tmp_path))
    with pytest.raises(ValueError, match=f'--show-dir {file} is a file'):
        check_outputs(show_dir=str(file))
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(ValueError, match=r'--out .*new cannot be written'):
        check_outputs(out=str(tmp_path / 'new'))
