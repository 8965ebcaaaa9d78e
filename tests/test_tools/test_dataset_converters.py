"""Every reader as a user runs it, on a tiny tree with the real names."""

import json
import os

import cv2
import numpy as np
import pytest

from mmcion.structures import AnnotationTable, TrackletTable

from ..test_datasets.test_tracklet_readers.trees import (
    make_lmdb,
    rows_of,
    touch,
)
from ..tool_utils import run_tool

ROME = 'italy/rome/abc-_defghi'


def run_reader(name, *arguments, cwd):
    done = run_tool(f'dataset_converters/{name}.py', *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def results(out):
    table = TrackletTable.load(out / 'table')
    report = json.loads((out / 'skipped.json').read_text())
    assert report['kept']['images'] == len(table)
    return table, {r: x['count'] for r, x in report['skipped'].items()}


def test_luperson_nl(tmp_path):
    touch(tmp_path, f'in/{ROME}/000012_0000340_02.jpg', f'in/{ROME}/cut.jpg')
    touch(tmp_path, f'in/{ROME}/000012_0000360_02.jpg', content=b'')
    output = run_reader(
        *('luperson_nl2tracklets', 'in', '--out', 'out', '--check-sizes'),
        cwd=tmp_path,
    )
    table, skipped = results(tmp_path / 'out')
    path = f'{ROME}/000012_0000340_02.jpg'
    assert rows_of(table) == [(ROME, 12, 340, path)]
    assert table.image_path(0) == tmp_path / 'in' / path
    assert sorted(skipped.values()) == [1, 1]
    assert 'out: 1 images, 1 tracklets, 1 videos' in output
    for reason in skipped:
        assert f'skipped 1: {reason}' in output


def test_luperson_nl_as_lmdb(tmp_path):
    key = '00001_000012_0000340_02'
    make_lmdb(tmp_path / 'in' / 'lmdb', [key])
    run_reader('luperson_nl2tracklets', 'in', '--out', 'out', cwd=tmp_path)
    table, skipped = results(tmp_path / 'out')
    assert rows_of(table) == [('00001', 12, 340, key)]
    assert table.image_root == tmp_path / 'in' / 'lmdb'
    assert skipped == {}


def test_luperson(tmp_path):
    names = ['34_01_0341_00001865.jpg', '34_01_0341_00001866.jpg']
    touch(tmp_path / 'in' / 'images', *names)
    output = run_reader(
        'luperson2tracklets', 'in', '--out', 'out', cwd=tmp_path
    )
    table, _ = results(tmp_path / 'out')
    assert rows_of(table) == [
        ('34_01_0341', 0, 1865, f'images/{names[0]}'),
        ('34_01_0341', 1, 1866, f'images/{names[1]}'),
    ]
    assert 'min_images=1' in output


def test_mars(tmp_path):
    root = tmp_path / 'mars' / 'bbox_train'
    touch(root, '0001/0001C1T0001F001.jpg', '00-1/00-1C1T0001F001.jpg')
    touch(root, '0005/0005C2T0001F001.jpg')
    run_reader('mars2tracklets', root, '--out', 'out', cwd=tmp_path)
    table, skipped = results(tmp_path / 'out')
    assert rows_of(table) == [
        ('cam1', 10001, 0, '0001/0001C1T0001F001.jpg'),
        ('cam2', 50001, 0, '0005/0005C2T0001F001.jpg'),
    ]
    assert list(skipped.values()) == [1]
    # what the identities of a denoiser are evaluated with
    np.save(tmp_path / 'identity.npy', np.array([8, 3], np.int32))
    done = run_tool(
        *('analysis_tools/eval_identities.py', 'out/truth.npy'),
        'identity.npy',
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert '2 rows, 2 with a true identity' in done.stdout


def test_motchallenge(tmp_path):
    folder = tmp_path / 'train' / 'MOT16-04'
    touch(folder, 'gt/gt.txt', content=b'2,5,9,9,20,40,1,1,1\n')
    (folder / 'img1').mkdir()
    image = np.full((60, 60, 3), 99, np.uint8)
    cv2.imwrite(str(folder / 'img1' / '000002.jpg'), image)
    run_reader('motchallenge2tracklets', 'train', '--out', 'out', cwd=tmp_path)
    table, skipped = results(tmp_path / 'out')
    assert rows_of(table) == [
        ('MOT16-04', 5, 1, 'MOT16-04/000005_0000001.jpg')
    ]
    assert cv2.imread(str(table.image_path(0))).shape == (40, 20, 3)
    assert np.load(tmp_path / 'out' / 'truth.npy').tolist() == [0]
    assert skipped == {}


def test_csv(tmp_path):
    touch(tmp_path / 'crops', 'a.jpg', 'b.jpg')
    (tmp_path / 'images.csv').write_text(
        'video,tracklet,frame,path,note\n'
        'door,x,4,a.jpg,-\ndoor,x,2,b.jpg,-\ndoor,y,2,gone.jpg,-\n'
    )
    run_reader(
        *('csv2tracklets', 'images.csv', '--image-root', 'crops'),
        *('--ignore', 'note', '--check-files', '--out', 'out'),
        cwd=tmp_path,
    )
    table, skipped = results(tmp_path / 'out')
    assert rows_of(table) == [('door', 0, 2, 'b.jpg'), ('door', 0, 4, 'a.jpg')]
    assert table.image_path(0).read_bytes() == b'jpeg'
    assert list(skipped.values()) == [1]


def test_cional(tmp_path):
    touch(tmp_path / 'CION_AL', 'sec0/a.jpg', 'sec0/b.jpg')
    items = [{'id': 4, 'file_path': f'sec0/{name}.jpg'} for name in 'abc']
    (tmp_path / 'annos.json').write_text(json.dumps(items))
    output = run_reader(
        *('cional2annotation', 'annos.json', '--image-root', 'CION_AL'),
        *('--check-files', '--out', 'out'),
        cwd=tmp_path,
    )
    table = AnnotationTable.load(tmp_path / 'out' / 'annotation')
    assert table.path.tolist() == [b'sec0/a.jpg', b'sec0/b.jpg']
    assert table.pid.tolist() == [0, 0]
    assert '2 images, published are 3,898,086' in output
    report = json.loads((tmp_path / 'out' / 'skipped.json').read_text())
    assert report['num_skipped'] == 1
    assert report['kept'] == {'images': 2, 'identities': 1}


@pytest.mark.parametrize(
    'name',
    [
        'luperson_nl2tracklets',
        pytest.param('luperson2tracklets', marks=pytest.mark.slow),
        pytest.param('mars2tracklets', marks=pytest.mark.slow),
    ],
)
def test_wrong_folder_leaves_nothing(name, tmp_path):
    touch(tmp_path, 'in/photo.jpg')
    done = run_tool(
        *(f'dataset_converters/{name}.py', 'in', '--out', 'out'), cwd=tmp_path
    )
    assert done.returncode == 1
    assert 'error: no images were found in in' in done.stderr
    assert 'expected: ' in done.stderr
    assert 'found: photo.jpg' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('name', 'result'),
    [
        ('luperson2tracklets', 'table'),
        ('luperson_nl2tracklets', 'table'),
        ('mars2tracklets', 'table'),
        ('csv2tracklets', 'table'),
        ('cional2annotation', 'annotation'),
    ],
)
def test_finished_results_are_not_replaced(
    tmp_path, call_tool, capsys, name, result
):
    touch(tmp_path, f'out/{result}/table.json', 'in/photo.jpg')
    command = (f'dataset_converters/{name}.py', 'in', '--out', 'out')
    with pytest.raises(SystemExit):
        call_tool(*command)
    assert f'{result} exists already' in capsys.readouterr().err
    # the error of the reader: nothing is removed before it has read
    with pytest.raises(SystemExit):
        call_tool(*command, '--overwrite')
    assert 'exists already' not in capsys.readouterr().err
    assert (tmp_path / 'out' / result / 'table.json').exists()


def test_csv_again(tmp_path, call_tool):
    touch(tmp_path, 'a.jpg', 'out/features/meta.json')
    file = tmp_path / 'images.csv'
    command = ('dataset_converters/csv2tracklets.py', file, '--out', 'out')
    for row, options in (
        ('d,x,4,a.jpg', []),
        ('d,x,7,a.jpg', ['--overwrite']),
    ):
        file.write_text(f'video,tracklet,frame,path\n{row}\n')
        call_tool(*command, *options)
    assert TrackletTable.load(tmp_path / 'out' / 'table').frame.tolist() == [7]
    assert (tmp_path / 'out' / 'features' / 'meta.json').exists()


def test_names_that_are_not_utf8(tmp_path):
    """Printing them ends no tool."""
    touch(tmp_path, 'a.jpg')
    out = tmp_path / os.fsdecode(b'caf\xe9')
    (tmp_path / 'i.csv').write_text('video,tracklet,frame,path\nd,x,4,a.jpg\n')
    output = run_reader('csv2tracklets', 'i.csv', '--out', out, cwd=tmp_path)
    assert '1 images' in output
    table = TrackletTable.load(out / 'table')
    assert table.image_path(0).is_file()
