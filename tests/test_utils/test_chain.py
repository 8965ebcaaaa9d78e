import pytest

from mmcion.utils.chain import Chain, Step, hash_code
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
    for folder in ('mmcion', 'configs', 'tools'):
        (tmp_path / folder).mkdir()
    file = tmp_path / 'tools' / 'a.py'
    hashes = []
    for text in ('1', '2', '1'):
        file.write_text(text)
        hashes.append(hash_code(tmp_path))
    assert hashes[0] == hashes[2] != hashes[1]
