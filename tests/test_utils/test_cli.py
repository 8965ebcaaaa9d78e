import pytest

from mmcion.utils.cli import run_tool


def raiser(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    'error', [ValueError('bad pid'), FileNotFoundError('bad pid')]
)
def test_mistake_is_one_message_and_status_one(capsys, error):
    with pytest.raises(SystemExit) as end:
        run_tool(raiser(error))
    assert end.value.code == 1
    assert capsys.readouterr().err == 'error: bad pid\n'


def test_interrupt_says_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as end:
        run_tool(raiser(KeyboardInterrupt()))
    assert end.value.code == 130
    assert 'the same command goes on' in capsys.readouterr().err


def test_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_tool(raiser(ZeroDivisionError()))


def test_success_returns():
    run_tool(lambda: None)
