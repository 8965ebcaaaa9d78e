import csv

import numpy as np
import pytest

from mmcion.structures import TrackletTable

from ..tool_utils import run_tool
from .conftest import FRAMES, PEOPLE

TOOL = 'dataset_converters/tracklets2reid.py'


def read_split(file):
    with open(file, newline='') as stream:
        return list(csv.DictReader(stream))


def test_tracks_across_the_cut(recording, tmp_path):
    done = run_tool(
        *(TOOL, recording / 'table', '--out', 'split.csv'),
        *('--images-per-camera', 4, '--queries-per-camera', 1),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert '5 identities, 10 queries, 30 gallery images' in done.stdout
    assert str(recording / 'crops') in done.stdout
    lines = read_split(tmp_path / 'split.csv')
    assert len(lines) == PEOPLE * 2 * 4
    for line in lines:
        frame, _, person = line['path'].removesuffix('.png').partition('_')
        assert int(line['cam_id']) == int(frame) // FRAMES
        twins = {
            x['pid'] for x in lines if x['path'].endswith(f'_{person}.png')
        }
        assert twins == {line['pid']}


def test_labels_of_true_boxes(recording, tmp_path):
    # frames from 1; only two of the five people are in the truth
    lines = [
        f'{frame + 1},{40 + person},{30 * person},5,16,32'
        for frame in range(2 * FRAMES)
        for person in (1, 3)
    ]
    (tmp_path / 'gt.csv').write_text(
        '\n'.join(['frame,id,x,y,w,h', *lines]) + '\n'
    )
    done = run_tool(
        *(TOOL, recording / 'table', '--out', 'split.csv'),
        *('--truth', 'gt.csv'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    lines = read_split(tmp_path / 'split.csv')
    assert len(lines) == 2 * 2 * FRAMES
    for line in lines:
        assert f'_{int(line["pid"]) - 40}.' in line['path']


def test_wrong_number_of_labels(recording, tmp_path):
    np.save(tmp_path / 'identity.npy', np.zeros(7, np.int32))
    done = run_tool(
        *(TOOL, recording / 'table', '--out', 'split.csv'),
        *('--identities', 'identity.npy'),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert 'table 60, identities 7' in done.stderr
    assert not (tmp_path / 'split.csv').exists()


def test_path_that_no_csv_can_hold(tmp_path, call_tool, capsys):
    TrackletTable.from_columns(
        video_id=np.repeat([0, 1], 4),
        tracklet_id=np.repeat(np.arange(4), 2),
        frame=np.arange(8),
        path=np.array([b'caf\xe9%d.png' % row for row in range(8)]),
        image_root=tmp_path,
    ).save(tmp_path / 'table')
    labels = np.array([0, 0, 1, 1] * 2, np.int32)
    np.save(tmp_path / 'identity.npy', labels)
    with pytest.raises(SystemExit):
        call_tool(
            *(TOOL, tmp_path / 'table', '--out', tmp_path / 'split.csv'),
            *('--identities', tmp_path / 'identity.npy'),
        )
    assert r'caf\xe90.png is not UTF-8' in capsys.readouterr().err


def test_finished_splits_are_not_replaced(recording, tmp_path, call_tool):
    split = tmp_path / 'split.csv'
    split.write_text('mine')
    command = (TOOL, recording / 'table', '--out', split)
    with pytest.raises(SystemExit):
        call_tool(*command)
    assert split.read_text() == 'mine'
    call_tool(*command, '--overwrite')
    assert split.read_bytes().startswith(b'path,pid,cam_id,split\n')
