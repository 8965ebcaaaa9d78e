import pytest

from mmcion.utils.chain import (
    Chain,
    Step,
    hash_code,
    last_lines,
    read_progress,
    run_logged,
)
from mmcion.utils.checks import UserError
from mmcion.utils.io import read_json

WRITE = 'import sys; open(sys.argv[1], "a").write("x")'
MAKE_FOLDER = 'import os, sys; os.makedirs(sys.argv[1], exist_ok=True)'
FAIL_AT_FIRST = """
import os, sys
first = not os.path.exists(sys.argv[1])
open(sys.argv[1], "a").write("x")
sys.exit(3 if first else 0)
"""


def run(work_dir, *steps, inputs=None, replace=True):
    """Run steps, each a name, its script, its output and what follows."""
    chain = Chain(work_dir, inputs, replace=replace)
    for name, script, output, *rest in steps:
        chain.run(Step(name, ['-c', script, output, *rest], output))
    return chain


def test_a_step_runs_once(tmp_path):
    output = tmp_path / 'out.txt'
    for _ in range(2):
        run(tmp_path, ('one', WRITE, output))
    assert output.read_text() == 'x'


def test_another_command_starts_anew(tmp_path):
    output = tmp_path / 'out.txt'
    output.write_text('old')
    run(tmp_path, ('one', WRITE, output))
    assert output.read_text() == 'x'


def test_finished_folders_of_another_command_stay(tmp_path):
    output = tmp_path / 'out'
    run(tmp_path, ('one', MAKE_FOLDER, output, 'a.avi'))
    with pytest.raises(UserError, match=r'out has .* a\.avi.*--work-dir'):
        run(tmp_path, ('one', MAKE_FOLDER, output, 'b.avi'))
    assert output.is_dir()
    run(tmp_path, ('one', MAKE_FOLDER, output, 'a.avi'))


@pytest.mark.parametrize('replace', [True, False])
def test_folders_of_other_inputs_are_made_again_or_refused(tmp_path, replace):
    output = tmp_path / 'out'
    run(tmp_path, ('one', MAKE_FOLDER, output), inputs='a')
    (output / 'left').touch()
    steps = ('one', MAKE_FOLDER, output)
    if replace:
        run(tmp_path, steps, inputs='b')
    else:
        with pytest.raises(UserError, match=r'out has .*--work-dir'):
            run(tmp_path, steps, inputs='b', replace=False)
    assert (output / 'left').exists() != replace


def test_a_changed_step_reruns_all_after_it(tmp_path):
    first, second = tmp_path / '1.txt', tmp_path / '2.txt'
    for rest in ([], ['changed']):
        steps = (('one', WRITE, first, *rest), ('two', WRITE, second))
        chain = run(tmp_path, *steps)
    state = read_json(tmp_path / 'steps' / 'two.json')
    assert state['done'] and state['key'] == chain.key
    assert second.read_text() == 'x'  # removed, then written again


def test_a_failed_step_resumes_from_what_it_wrote(tmp_path):
    output = tmp_path / 'out.txt'
    with pytest.raises(UserError, match='status 3'):
        run(tmp_path, ('one', FAIL_AT_FIRST, output))
    run(tmp_path, ('one', FAIL_AT_FIRST, output))
    assert output.read_text() == 'xx'


def test_a_step_that_may_fail(tmp_path, capsys):
    output = tmp_path / 'out.txt'
    command = ['-c', FAIL_AT_FIRST, output]
    Chain(tmp_path).run(Step('one', command, output, 'Then without.'))
    assert capsys.readouterr().out.endswith('Then without.\n')
    assert not read_json(tmp_path / 'steps' / 'one.json')['done']


def test_missing_output_is_made_again(tmp_path):
    output = tmp_path / 'out.txt'
    run(tmp_path, ('one', WRITE, output))
    output.unlink()
    run(tmp_path, ('one', WRITE, output))
    assert output.read_text() == 'x'


def test_hash_is_that_of_the_code(tmp_path):
    folders = [tmp_path / name for name in ('configs', 'tools')]
    for folder in folders:
        folder.mkdir()
    hashes = []
    for text in ('1', '2', '1'):
        (folders[1] / 'a.py').write_text(text)
        hashes.append(hash_code(*folders))
    assert hashes[0] == hashes[2] != hashes[1]


TALK = """
import os, sys
print('11/29 10:00:00 - mmengine - INFO - environment')
print('bar:  50%|##  | 1/2 [00:01<00:01]', file=sys.stderr)
print('11/29 10:00:00 - mmengine - INFO - 4 images')
sys.exit(os.path.exists(sys.argv[1]))
"""
TALK_AND_FAIL = f'{TALK.rstrip().rpartition(chr(10))[0]}\nraise OSError(5)'


@pytest.mark.parametrize('verbose', [False, True])
def test_what_is_shown_of_a_step(tmp_path, capsys, verbose):
    step = Step('one', ['-c', TALK, tmp_path / 'out'], tmp_path / 'out')
    chain = Chain(tmp_path, verbose=verbose)
    chain.run(step)
    output = capsys.readouterr().out
    assert output.startswith(f'\n=== one\n$ {chain.commands[0]}\n')
    *_, shown, last = output.splitlines()
    assert last.startswith('one: ')
    assert (shown == '4 images') == (not verbose)
    assert ('0 - mmengine - INFO - environment\n' in output) == verbose
    assert '- environment' in (tmp_path / 'logs' / 'one.log').read_text()


@pytest.mark.parametrize('verbose', [False, True])
def test_the_end_of_a_failed_step_and_its_log_are_named(tmp_path, verbose):
    step = Step('one', ['-c', TALK_AND_FAIL, 'x'], tmp_path / 'out')
    with pytest.raises(UserError, match='OSError: 5') as caught:
        Chain(tmp_path, verbose=verbose).run(step)
    message = str(caught.value)
    log = tmp_path / 'logs' / 'one.log'
    assert 'Traceback' in message and str(log) in message
    assert 'Traceback' in log.read_text()


def test_the_message_of_a_failed_tool_stands_alone(tmp_path):
    script = 'import sys; print("dump"); sys.exit("error: no video")'
    step = Step('one', ['-c', script], tmp_path / 'out')
    with pytest.raises(UserError, match='error: no video') as caught:
        Chain(tmp_path).run(step)
    assert 'dump' not in str(caught.value)


EPOCH = (
    '11/29 10:00:00 - mmengine - INFO - Epoch(train) [1][ 5/44]  lr: 2.2e-04  '
    'eta: 1 day, 0:04:23  time: 1.2272  data_time: 0.0575  loss: 6.95  x: 1'
)


@pytest.mark.parametrize(
    ('output', 'text'),
    [
        ('', ''),
        ('loaded 100% of a|b| 3/4', ''),
        ('a:  0%|  | 0/9 [00:00<?, ?img/s]', ''),
        ('a:  0%|  | 0/9 [00:00<?]\ra: 20%|█▌ | 2/9 [00:01<00:04, 2img/s]',)
        + ('2/9 [00:01<00:04, 2img/s]',),
        (EPOCH, 'epoch 1, step 5/44, eta 1 day, 0:04:23, loss 6.95'),
    ],
)
def test_progress_of_bars_and_of_the_log(output, text):
    assert read_progress(output) == text


def test_last_lines_have_no_bars(tmp_path):
    log = tmp_path / 'a.log'
    log.write_bytes(b'\xff\n a\n\n10%|  | 1/9 [00:01<00:04]\r\n')
    assert last_lines(log) == ['\ufffd', ' a']


def test_a_progress_is_redrawn_on_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('sys.stdout.isatty', lambda: True)
    words = ['-c', TALK, str(tmp_path / 'out')]
    assert run_logged(words, tmp_path / 'a.log') == 0
    assert '\r  1/2 [00:01<00:01]\x1b[K' in capsys.readouterr().out
