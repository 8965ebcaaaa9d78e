import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.io import read_json, write_json

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'quickstart.py'

WRITE = 'import sys; open(sys.argv[1], "a").write("x")'
FAIL_AT_FIRST = """
import os, sys
first = not os.path.exists(sys.argv[1])
open(sys.argv[1], "a").write("x")
sys.exit(3 if first else 0)
"""


@pytest.fixture(scope='module')
def quickstart():
    spec = importlib.util.spec_from_file_location('quickstart', TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules['quickstart'] = module
    spec.loader.exec_module(module)
    return module


def run(quickstart, tmp_path, *steps):
    """Run steps, each a name, its script, its output and what follows."""
    chain = quickstart.Chain(tmp_path)
    for name, script, output, *rest in steps:
        command = ['-c', script, output, *rest]
        chain.run(quickstart.Step(name, command, output))
    return chain


def test_a_step_runs_once(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    for _ in range(2):
        run(quickstart, tmp_path, ('one', WRITE, output))
    assert output.read_text() == 'x'


def test_another_command_starts_anew(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    output.write_text('old')
    run(quickstart, tmp_path, ('one', WRITE, output))
    assert output.read_text() == 'x'


def test_finished_folders_of_another_command_stay(quickstart, tmp_path):
    output = tmp_path / 'out'
    write = 'import os, sys; os.makedirs(sys.argv[1], exist_ok=True)'
    run(quickstart, tmp_path, ('one', write, output, 'a.avi'))
    with pytest.raises(UserError, match=r'out has .* a\.avi.*--work-dir'):
        run(quickstart, tmp_path, ('one', write, output, 'b.avi'))
    assert output.is_dir()
    run(quickstart, tmp_path, ('one', write, output, 'a.avi'))


def test_a_changed_step_reruns_all_after_it(quickstart, tmp_path):
    first, second = tmp_path / '1.txt', tmp_path / '2.txt'
    for rest in ([], ['changed']):
        steps = (('one', WRITE, first, *rest), ('two', WRITE, second))
        chain = run(quickstart, tmp_path, *steps)
    state = read_json(tmp_path / 'steps' / 'two.json')
    assert state['done'] and state['key'] == chain.key
    assert second.read_text() == 'x'  # removed, then written again


def test_a_failed_step_resumes_from_what_it_wrote(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    with pytest.raises(UserError, match='status 3'):
        run(quickstart, tmp_path, ('one', FAIL_AT_FIRST, output))
    run(quickstart, tmp_path, ('one', FAIL_AT_FIRST, output))
    assert output.read_text() == 'xx'


def test_missing_output_is_made_again(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    run(quickstart, tmp_path, ('one', WRITE, output))
    output.unlink()
    run(quickstart, tmp_path, ('one', WRITE, output))
    assert output.read_text() == 'x'


def pretend(quickstart, work_dir, chosen, *, identities=3, failing=()):
    """Return facts and commands of a chain whose steps only leave a file."""
    facts, commands = {}, {}
    for step in quickstart.list_steps(chosen, work_dir, facts):
        if step.name in failing and step.name not in commands:
            assert step.otherwise
        elif step.name == 'identities':
            report = {'export': {'identities': identities}}
            write_json(step.output / 'report.json', report)
        else:
            step.output.parent.mkdir(parents=True, exist_ok=True)
            step.output.touch()
        commands[step.name] = ' '.join(map(str, step.command))
    return facts, commands


def test_steps_with_truth(quickstart, tmp_path):
    chosen = quickstart.Input(['a.avi'], 'drawn', truth='t.csv')
    facts, commands = pretend(quickstart, tmp_path, chosen)
    assert list(commands) == [
        *('tracklets', 'features', 'identities', 'split', 'initial_weights'),
        *('test_colour', 'test_before', 'pretraining', 'test_after'),
    ]
    assert facts == {'labels': 'truth', 'start': 'ImageNet weights'}
    assert '--truth t.csv' in commands['split']
    assert 'mobilenetv2_imagenet.pth' in commands['test_before']
    assert 'backbone_checkpoint=' in commands['pretraining']


def test_steps_that_may_fail(quickstart, tmp_path):
    chosen = quickstart.Input(['a.avi'], 'mine')
    failing = ('split', 'initial_weights')
    facts, commands = pretend(quickstart, tmp_path, chosen, failing=failing)
    assert facts == {'labels': 'found', 'start': 'random weights'}
    assert commands['split'].endswith('identities/identity.npy')
    assert '--overwrite' in commands['split']
    assert '.pth' not in commands['test_before'] + commands['pretraining']


def test_batch_shrinks_to_the_identities(quickstart, tmp_path):
    chosen = quickstart.Input(['a.avi'], 'mine')
    facts, commands = pretend(quickstart, tmp_path, chosen)
    assert facts['labels'] == 'tracks'
    assert 'train_dataloader.batch_size=24' in commands['pretraining']
    with pytest.raises(UserError, match='1 identity'):
        pretend(quickstart, tmp_path, chosen, identities=1)


@pytest.mark.slow
def test_killed_anywhere_the_chain_ends_with_a_report(tmp_path):
    command = [sys.executable, str(TOOL), '--synthetic']
    command += ['--work-dir', str(tmp_path / 'run')]
    for seconds in (8, 20, 30, 40):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    scores = {
        name: read_json(tmp_path / 'run/scores' / name / 'scores.json')
        for name in ('before', 'after')
    }
    after, before = (scores[n]['reid/mAP'] for n in ('after', 'before'))
    assert after > before + 0.05
    report = (tmp_path / 'run' / 'report.html').read_text()
    assert 'Pre-training raised the mAP' in report
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.stdout.count('done before') == 9
