import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.io import read_json, write_csv, write_json

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'quickstart.py'


@pytest.fixture
def quickstart(monkeypatch, tmp_path):
    # configs are named from the root of the project, outputs go elsewhere
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    spec = importlib.util.spec_from_file_location('quickstart', TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules['quickstart'] = module
    spec.loader.exec_module(module)
    return module


def pretend(quickstart, recording, chosen, *, failing=(), rounds=1):
    """Return facts and commands of a chain whose steps only leave files."""
    work_dir = Path('run')
    facts, commands, table = {}, {}, None
    for step in quickstart.list_steps(chosen, work_dir, facts, rounds):
        if step.name in failing and step.name not in commands:
            assert step.otherwise
        elif step.name == 'tracklets':
            table = TrackletTable.load(recording / 'table')
            table.save(step.output / 'table')
        elif 'identities' in step.name:
            # everybody is in both clips; the first round finds that of some
            pid = np.array(table.tracklet_id)
            if step.name == 'identities':
                pid[(table.video_id == 1) & (pid > 2)] += 5
            found = IdentityLabels(pid.astype(np.int32))
            found.save(step.output / 'identity.npy')
            (step.output / 'annotation').mkdir()
            report = {'levels': [], 'export': {'identities': 3}}
            write_json(step.output / 'report.json', report)
        elif 'pretraining' in step.name:
            step.output.mkdir(parents=True)
            (step.output / 'last_checkpoint').write_text('x/epoch_5.pth')
        else:
            step.output.parent.mkdir(parents=True, exist_ok=True)
            step.output.touch()
        commands[step.name] = ' '.join(map(str, step.command))
    return facts, commands


@pytest.fixture
def truth(recording, tmp_path):
    """CSV of the true boxes of the recording."""
    table = TrackletTable.load(recording / 'table')
    lines = [
        (frame + 1, pid, *(box[:2]), box[2], box[3])
        for frame, pid, box in zip(
            table.frame, table.tracklet_id, table.box, strict=True
        )
    ]
    write_csv(
        tmp_path / 't.csv', [('frame', 'id', 'x', 'y', 'w', 'h'), *lines]
    )
    return 't.csv'


def test_steps_with_truth(quickstart, recording, truth):
    chosen = quickstart.Input(['a.avi'], 'drawn', truth=truth)
    facts, commands = pretend(quickstart, recording, chosen)
    assert list(commands) == [
        *('tracklets', 'initial_weights'),
        *('features', 'identities', 'pretraining', 'split'),
        *('test_colour', 'test_before', 'test_after'),
    ]
    assert facts == {
        'labels': 'truth',
        'start': 'ImageNet weights',
        'networks': ['colour', 'before', 'after'],
    }
    assert '--truth t.csv' in commands['split']
    assert 'mobilenetv2_imagenet.pth' in commands['test_before']
    assert 'backbone_checkpoint=' in commands['pretraining']
    # three identities of eight images each
    assert 'train_dataloader.batch_size=24' in commands['pretraining']
    assert 'run/cion/epoch_5.pth' in commands['test_after']
    (found,) = read_json(Path('run') / 'rounds.json')['rounds']
    assert found['scores']['pairwise_precision'] == 1


def test_steps_of_two_rounds(quickstart, recording):
    chosen = quickstart.Input(['a.avi'], 'mine')
    facts, commands = pretend(quickstart, recording, chosen, rounds=2)
    assert list(commands) == [
        *('tracklets', 'initial_weights'),
        *('features', 'identities', 'pretraining'),
        *('features_2', 'identities_2', 'pretraining_2', 'split'),
        *('test_colour', 'test_before', 'test_after', 'test_after_2'),
    ]
    assert facts['labels'] == 'tracks'
    assert facts['networks'] == ['colour', 'before', 'after', 'after_2']
    assert 'run/round_2/cion/epoch_5.pth' in commands['test_after_2']
    # the first round is the same as without a second
    Path('run').rename('before')
    _, single = pretend(quickstart, recording, chosen)
    assert single['pretraining'] == commands['pretraining']


def test_steps_that_may_fail(quickstart, recording):
    chosen = quickstart.Input(['a.avi'], 'mine')
    failing = ('split', 'initial_weights')
    facts, commands = pretend(quickstart, recording, chosen, failing=failing)
    assert facts['labels'] == 'found'
    assert facts['start'] == 'random weights'
    assert commands['split'].endswith('identities/identity.npy')
    assert '--overwrite' in commands['split']
    assert '.pth' not in commands['test_before'] + commands['pretraining']


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
