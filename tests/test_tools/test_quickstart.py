import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mmengine.config import Config

from mmcion.utils.io import read_json

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


def write_to(output):
    return ['-c', WRITE, str(output)]


def test_a_step_runs_once(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    for _ in range(2):
        quickstart.Chain(tmp_path).run('one', write_to(output), output)
    assert output.read_text() == 'x'


def test_another_command_starts_anew(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    output.write_text('old')
    quickstart.Chain(tmp_path).run('one', write_to(output), output)
    assert output.read_text() == 'x'


def test_a_changed_step_reruns_all_after_it(quickstart, tmp_path):
    first, second = tmp_path / '1.txt', tmp_path / '2.txt'
    for extra in ([], ['changed']):
        chain = quickstart.Chain(tmp_path)
        chain.run('one', write_to(first) + extra, first)
        chain.run('two', write_to(second), second)
    state = read_json(tmp_path / 'steps' / 'two.json')
    assert state['done'] and state['key'] == chain.key
    assert second.read_text() == 'x'  # removed, then written again


def test_a_failed_step_goes_on_with_what_it_wrote(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    command = ['-c', FAIL_AT_FIRST, str(output)]
    with pytest.raises(quickstart.StepFailed, match='status 3'):
        quickstart.Chain(tmp_path).run('one', command, output)
    quickstart.Chain(tmp_path).run('one', command, output)
    assert output.read_text() == 'xx'


def test_lost_output_is_made_again(quickstart, tmp_path):
    output = tmp_path / 'out.txt'
    quickstart.Chain(tmp_path).run('one', write_to(output), output)
    output.unlink()
    quickstart.Chain(tmp_path).run('one', write_to(output), output)
    assert output.read_text() == 'x'


def test_batch_shrinks_to_the_identities(quickstart, tmp_path):
    report = tmp_path / 'identities' / 'report.json'
    report.parent.mkdir()
    report.write_text('{"export": {"identities": 3}}')
    cfg = Config.fromfile(ROOT / quickstart.TRAIN_CONFIG)
    options = quickstart.train_options(cfg, tmp_path, None)
    assert options == ['train_dataloader.batch_size=24']
    report.write_text('{"export": {"identities": 1}}')
    with pytest.raises(quickstart.StepFailed, match='1 identity'):
        quickstart.train_options(cfg, tmp_path, None)


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
