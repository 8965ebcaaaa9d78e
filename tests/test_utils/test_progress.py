import sys

import pytest

from mmcion.utils.progress import progress_bar


@pytest.mark.parametrize('terminal', [False, True])
def test_redraws_often_only_on_a_terminal(monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: terminal)
    bar = progress_bar(total=5)
    assert bar.mininterval == (0.2 if terminal else 10)
    bar.close()


def test_shows_description_count_and_unit(capsys):
    items = list(progress_bar(range(30), desc='crops', unit='img'))
    shown = capsys.readouterr()
    assert items == list(range(30))
    assert shown.out == ''
    assert 'crops: 100%' in shown.err
    assert '30/30' in shown.err
    assert 'img/s' in shown.err


def test_log_stays_short(capsys):
    for _ in progress_bar(range(5000)):
        pass
    # the first and the last state; nothing within ten seconds
    assert capsys.readouterr().err.count('\r') <= 3


def test_options_reach_tqdm(capsys):
    list(progress_bar(range(3), disable=True))
    assert capsys.readouterr().err == ''
