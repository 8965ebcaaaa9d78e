import os
import signal
import subprocess
import sys
import time

import pytest

from mmcion.structures import TrackletTable
from tests.test_video.conftest import write_boxes, write_video

from ..tool_utils import TOOLS, run_tool

TOOL = 'extract_tracklets.py'


def test_boxes_from_files(tmp_path, call_tool):
    walk = write_video(tmp_path / 'walk.avi')
    boxes = write_boxes(tmp_path / 'boxes.csv')

    call_tool(
        *(TOOL, walk, '--out', 'out', '--boxes', boxes),
        *('--clips', 2, '--stride', 2, '--save-video', '--cfg-options'),
        *('extractor.padding=0', 'extractor.quality=80'),
    )

    table = TrackletTable.load(tmp_path / 'out' / 'table')
    assert (tmp_path / 'out' / 'annotated' / 'walk.mp4').is_file()
    assert len(table) == 30
    assert table.videos == ('walk-clip0', 'walk-clip1')


def test_other_settings_need_overwrite(tmp_path, call_tool, capsys):
    walk = write_video(tmp_path / 'walk.avi')
    write_boxes(tmp_path / 'walk.csv')
    command = (TOOL, walk, '--out', 'out', '--detector', 'boxes')
    call_tool(*command)

    with pytest.raises(SystemExit):
        call_tool(*command, '--stride', 3)
    errors = capsys.readouterr().err
    assert 'settings.stride was 1, is 3' in errors and '--overwrite' in errors
    table = tmp_path / 'out' / 'table'
    assert len(TrackletTable.load(table)) == 60
    call_tool(*command, '--stride', 3, '--overwrite')
    assert len(TrackletTable.load(table)) == 20


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['none.mp4'], 'none.mp4'),
        (['rtsp://camera/1'], 'ffmpeg -i rtsp://camera/1'),
        (['.', '--clips', '0'], 'clips must be an integer >= 1; got 0'),
        (['.', '--boxes', 'none'], 'boxes: none does not exist'),
        (['.', '--cfg-options', 'stride=2'], 'extractor.stride'),
        (['.', '--config', 'hog.py', '--boxes', '.'], 'hog.py'),
        (['.', '--cfg-options', 'detector.type=Nobody'], 'Nobody'),
    ],
)
def test_mistakes_are_reported_in_a_line(
    tmp_path, call_tool, capsys, args, message
):
    (tmp_path / 'a.mp4').write_text('hello')
    (tmp_path / 'hog.py').write_text("detector = dict(type='HOGDetector')")
    which = [] if '--config' in args else ['--detector', 'boxes']

    with pytest.raises(SystemExit) as exit_:
        call_tool(TOOL, *args, '--out', 'out', *which)

    assert exit_.value.code == 1
    errors = capsys.readouterr().err
    assert message in errors
    assert 'Traceback' not in errors


def test_killed_run_resumes_and_leaves_no_process(tmp_path):
    folder, out = tmp_path / 'videos', tmp_path / 'out'
    for name in 'ab':
        write_video(folder / f'{name}.avi', frames=1200)
        write_boxes(folder / f'{name}.csv', frames=1200)
    options = ('--out', out, '--detector', 'boxes', '--workers', 2)
    command = map(str, (sys.executable, TOOLS / TOOL, folder, *options))
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(out.glob('crops/.b.tmp/*.jpg')):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    # ends only when no process holds the pipe any more
    process.communicate(timeout=100)
    assert not (out / 'table').exists()

    done = run_tool(TOOL, folder, *options, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    table = TrackletTable.load(out / 'table')
    assert table.num_tracklets == 4
    crops = list(out.glob('crops/**/*.jpg'))
    assert len(crops) == len(table)
    assert not list(out.glob('crops/.*'))
