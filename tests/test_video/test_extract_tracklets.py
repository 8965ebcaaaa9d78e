"""The tool, run as a user runs it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmcion.structures import TrackletTable

from .conftest import write_boxes, write_video

TOOL = Path(__file__).parents[2] / 'tools' / 'extract_tracklets.py'


def start(*args):
    return subprocess.Popen(
        [sys.executable, str(TOOL), *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*args):
    process = start(*args)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_help_is_quick_and_has_an_example():
    before = time.perf_counter()
    code, out, _ = run('--help')

    assert code == 0
    assert 'example:' in out
    assert time.perf_counter() - before < 5


def test_boxes_from_files(walk, tmp_path):
    boxes = walk.with_suffix('.csv')
    code, _, err = run(
        *(walk, '--out', tmp_path / 'out', '--boxes', boxes),
        *('--clips', 2, '--stride', 2, '--cfg-options'),
        *('extractor.padding=0', 'extractor.quality=80'),
    )

    assert code == 0, err
    table = TrackletTable.load(tmp_path / 'out' / 'table')
    assert len(table) == 30
    assert table.videos == ('walk-clip0', 'walk-clip1')


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['none.mp4'], 'there is no video or folder none.mp4'),
        (['.', '--clips', '0'], 'clips (0)'),
        (['.', '--boxes', 'none'], 'there is no none'),
    ],
)
def test_messages_without_a_traceback(tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a.mp4').write_text('hello')

    code, _, err = run(*args, '--out', tmp_path / 'out', '--detector', 'boxes')

    assert code == 1
    assert message in err
    assert 'Traceback' not in err


def test_killed_run_goes_on_and_leaves_no_process(tmp_path):
    folder, out = tmp_path / 'videos', tmp_path / 'out'
    for name in 'ab':
        write_video(folder / f'{name}.avi', frames=1200)
        write_boxes(folder / f'{name}.csv', frames=1200)
    args = (folder, '--out', out, '--detector', 'boxes', '--workers', 2)
    process = start(*args)
    while not list(out.glob('crops/.b.tmp/*.jpg')):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    # ends only when no process holds the pipe any more
    process.communicate(timeout=20)
    assert not (out / 'table').exists()

    code, _, err = run(*args)

    assert code == 0, err
    table = TrackletTable.load(out / 'table')
    assert table.num_tracklets == 4
    crops = list(out.glob('crops/**/*.jpg'))
    assert len(crops) == len(table)
    assert not list(out.glob('crops/.*'))
