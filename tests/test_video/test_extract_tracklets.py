"""The tool, run as a user runs it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mmcion.structures import TrackletTable

from ..tool_utils import TOOLS, run_tool
from .conftest import write_boxes, write_video

TOOL = 'extract_tracklets.py'


def test_boxes_from_files(walk, tmp_path):
    boxes = walk.with_suffix('.csv')
    done = run_tool(
        *(TOOL, walk, '--out', 'out', '--boxes', boxes),
        *('--clips', 2, '--stride', 2, '--cfg-options'),
        *('extractor.padding=0', 'extractor.quality=80'),
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
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
def test_messages_without_a_traceback(tmp_path, args, message):
    (tmp_path / 'a.mp4').write_text('hello')

    options = ('--out', 'out', '--detector', 'boxes')
    done = run_tool(TOOL, *args, *options, cwd=tmp_path)

    assert done.returncode == 1
    assert message in done.stderr
    assert 'Traceback' not in done.stderr


def test_killed_run_goes_on_and_leaves_no_process(tmp_path):
    folder, out = tmp_path / 'videos', tmp_path / 'out'
    for name in 'ab':
        write_video(folder / f'{name}.avi', frames=1200)
        write_boxes(folder / f'{name}.csv', frames=1200)
    args = (folder, '--out', out, '--detector', 'boxes', '--workers', 2)
    process = subprocess.Popen(
        [sys.executable, str(TOOLS / TOOL), *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(out.glob('crops/.b.tmp/*.jpg')):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    # ends only when no process holds the pipe any more
    process.communicate(timeout=20)
    assert not (out / 'table').exists()

    done = run_tool(TOOL, *args, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    table = TrackletTable.load(out / 'table')
    assert table.num_tracklets == 4
    crops = list(out.glob('crops/**/*.jpg'))
    assert len(crops) == len(table)
    assert not list(out.glob('crops/.*'))
