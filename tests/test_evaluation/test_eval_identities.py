import json

import numpy as np

from mmcion.structures import TrackletTable

from ..tool_utils import run_tool

TOOL = 'analysis_tools/eval_identities.py'


def test_table_against_true_boxes(tmp_path):
    boxes = [[10, 0, 10, 20], [11, 0, 10, 20], [60, 0, 10, 20]]
    TrackletTable.from_columns(
        video_id=[0, 0, 0], tracklet_id=[0, 0, 1], frame=[0, 1, 1], box=boxes
    ).save(tmp_path / 'table')
    np.save(tmp_path / 'found.npy', [0, 0, 0])
    (tmp_path / 'gt.csv').write_text(
        'frame,id,x,y,w,h\n1,1,10,0,10,20\n2,1,11,0,10,20\n2,2,60,0,10,20\n'
    )
    (tmp_path / 'persons.csv').write_text('id,person\n1,A\n2,B\n')

    done = run_tool(
        *(TOOL, 'table', 'found.npy', '--truth', 'gt.csv'),
        *('--persons', 'persons.csv', '--out', 'out.json'),
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert '3 rows, 3 with a true identity' in done.stdout
    result = json.loads((tmp_path / 'out.json').read_text())
    assert result['pairwise_precision'] == 1 / 3
    assert result['pairwise_recall'] == 1
    assert result['num_true'] == 2
    # person 1 in two frames; person 2 in one, as a track of its own
    assert list(result['tracks']) == ['all videos', 'video00000']
    assert result['tracks']['all videos']['IDF1'] == 1
    assert 'HOTA' in done.stdout


def test_table_without_truth_is_a_usage_error(tmp_path):
    done = run_tool(TOOL, tmp_path, 'found.npy', cwd=tmp_path)
    assert done.returncode == 2
    assert 'give --truth with a tracklet table' in done.stderr
