import csv
import json

import pytest

from mmcion.evaluation import (
    EvaluationOptions,
    evaluate_features,
)
from mmcion.structures import ReIDFeatures, TrackletTable

from ..tool_utils import ROOT, run_tool

CONFIG = ROOT / 'configs' / 'eval' / 'zero-shot_color-stripes_128x64.py'


def write_split(recording, file):
    """Make the first frame of every clip a query, the others gallery."""
    table = TrackletTable.load(recording / 'table')
    with open(file, 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(['path', 'pid', 'cam_id', 'split'])
        for row in range(len(table)):
            split = 'gallery' if table.frame[row] % 6 else 'query'
            pid, cam_id = table.tracklet_id[row], table.video_id[row]
            writer.writerow([table.path[row].decode(), pid, cam_id, split])


def run_test(recording, cwd, *options):
    return run_tool(
        *('test.py', CONFIG, '--work-dir', 'work', *options),
        '--cfg-options',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
        'test_dataloader.dataset.ann_file=split.csv',
        f'test_dataloader.dataset.data_root={recording / "crops"}',
        cwd=cwd,
    )


def test_colours_find_everybody_in_the_other_clip(recording, tmp_path):
    write_split(recording, tmp_path / 'split.csv')
    done = run_test(recording, tmp_path, '--out', 'scores.json')
    assert done.returncode == 0, done.stderr
    counts = '10 queries, 10 with a valid match'
    assert counts in done.stdout + done.stderr
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert {'reid/mAP', 'reid/Rank-1', 'options'} <= set(scores)
    for name, value in scores.items():
        if name.split('/')[-1] in ('mAP', 'mINP', 'Rank-1'):
            assert value == 1
    assert scores['reid/num_valid_queries'] == 10


LOADER = (
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
)
PICTURES = [  # there are no errors to show
    'average_precision.png',
    'cmc.png',
    'embedding_map.png',
    'embedding_map_cameras.png',
    'random_queries.png',
    'report.html',
    'roc.png',
    'worst_queries.png',
]


def test_scores_features_and_report_of_one_run(
    recording, tmp_path, call_tool, capsys
):
    write_split(recording, tmp_path / 'split.csv')
    rerank = ('k1=4', 'k2=2', 'lambda_value=0.5', 'variant=faiss')
    options = ('--qe', 'k=2', 'alpha=3', '--fpr', 0.1, '--rerank', *rerank)
    call_tool(
        *('test.py', CONFIG, '--work-dir', 'work', *options),
        *('--out', 'scores.json', '--dump-features', 'features.npz'),
        *('--show-dir', 'report', '--tta', '--cfg-options', *LOADER),
        'test_dataloader.dataset.ann_file=split.csv',
        f'test_dataloader.dataset.data_root={recording / "crops"}',
    )
    features = ReIDFeatures.load('features.npz')
    expected = evaluate_features(
        features,
        EvaluationOptions(
            rerank={
                'k1': 4,
                'k2': 2,
                'lambda_value': 0.5,
                'variant': 'faiss',
            },
            query_expansion={'k': 2, 'alpha': 3},
            fprs=(0.1,),
        ),
    ).scores
    scores = json.loads((tmp_path / 'scores.json').read_text())
    options = scores.pop('options')
    found = scores.pop('fingerprint')
    assert found['options'] == options and found['seed'] == 0
    counts = found['data']['test']['query']
    assert counts['images'] == features.is_query.sum()
    assert found['weights'] == {}
    assert options['rerank']['variant'] == 'faiss'
    assert options['query_expansion'] == {'k': 2, 'alpha': 3}
    assert options['flip_test']
    assert "'variant': 'faiss'" in capsys.readouterr().out
    assert scores == {
        f'reid/{name}': pytest.approx(value, abs=1e-6)
        for name, value in expected.items()
    }
    shown = sorted(path.name for path in (tmp_path / 'report').iterdir())
    assert shown == PICTURES
    page = (tmp_path / 'report' / 'report.html').read_text()
    assert 'zero-shot_color-stripes_128x64' in page
    assert 'faiss' in page


def write_dataset(path, recording, extra=''):
    path.write_text(
        f"""test_dataloader = dict(
    dataset=dict(
        type='ReIDDataset',
        ann_file='split.csv',
        data_root={str(recording / 'crops')!r},
    )
)
test_evaluator = dict(type='ReIDMetric'{extra})
"""
    )


def test_table_across_data_sets(recording, tmp_path, call_tool, capsys):
    write_split(recording, tmp_path / 'split.csv')
    write_dataset(tmp_path / 'first.py', recording)
    write_dataset(tmp_path / 'second.py', recording, ', both_directions=True')
    call_tool(
        *('test.py', CONFIG, '--datasets', 'first.py', 'second.py'),
        *('--work-dir', 'work', '--out', 'scores.json'),
        *('--dump-features', 'f.npz', '--show-dir', 'report'),
        *('--cfg-options', *LOADER),
    )
    lines = capsys.readouterr().out.splitlines()
    table = lines[
        [line.startswith('data set') for line in lines].index(True) :
    ]
    assert [line.split('  ')[0] for line in table[2:5]] == [
        'first',
        'second',
        'second (reverse)',
    ]
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert list(scores) == ['first', 'second']
    assert scores['first']['reid/mAP'] == 1
    assert scores['second']['reid/reverse/num_queries'] > 10
    assert scores['second']['options']['both_directions']
    for name in ('first', 'second'):
        assert (tmp_path / f'f_{name}.npz').is_file()
        assert (tmp_path / 'report' / name / 'report.html').is_file()
    page = (tmp_path / 'report' / 'report.html').read_text()
    assert 'second (reverse)' in page
    assert 'both_directions=True' in page


@pytest.mark.parametrize(
    ('arguments', 'code', 'named'),
    [
        ((), 1, 'data/query_gallery.csv'),
        (('none.pth',), 1, 'none.pth'),
        (('--datasets', 'nowhere'), 1, "'nowhere'"),
        (('--rerank', CONFIG), 2, str(CONFIG)),
        (('--qe', 'x'), 2, "'x'"),
    ],
)
def test_mistakes_end_before_the_test(
    call_tool, capsys, arguments, code, named
):
    with pytest.raises(SystemExit) as ended:
        call_tool('test.py', CONFIG, *arguments)
    assert ended.value.code == code
    assert named in capsys.readouterr().err
