import json
import shutil

import numpy as np
import pytest

from mmcion.structures import IdentityLabels, ReIDFeatures, TrackletTable
from mmcion.utils.io import read_json, write_json

from ..test_visualization.html_page import Page, check_self_contained, text
from ..test_visualization.test_rounds_page import round_of

NASTY = '<script>alert(1)</script>'
SCORES = ('mAP', 'Rank-1', 'Rank-5', 'mINP', 'num_valid_queries')


@pytest.fixture
def work_dir(recording, tmp_path):
    """Return what the steps of a quickstart leave behind, in small."""
    table = TrackletTable.load(recording / 'table')
    table.save(tmp_path / 'tracklets' / 'table')
    row = {'name': NASTY, 'frames_read': 12, 'broken_frames': 0}
    row |= {'detections': 60, 'tracklets': 10, 'images': len(table)}
    write_json(tmp_path / 'tracklets' / 'videos.json', [row])
    labels = IdentityLabels(table.tracklet_id.astype(np.int32))
    labels.identity[:3] = -1
    labels.save(tmp_path / 'identities' / 'identity.npy')
    level = {'name': 'tracklets', 'images': len(table), 'identities': 10}
    levels = [{**level, 'identities_in_several_videos': 5}]
    calibration = {'sigma': 0.3, 'delta': 0.5, 'bins': [0, 1, 2]}
    calibration |= {'same': [9, 1], 'different': [1, 9]}
    report = {'levels': levels, 'calibration': calibration}
    report['export'] = {'identities': 5}
    write_json(tmp_path / 'identities' / 'report.json', report)
    logs = tmp_path / 'cion' / 'run' / 'vis_data' / 'scalars.json'
    logs.parent.mkdir(parents=True)
    entries = [{'step': 1, 'loss': 7.5}, {'lr': 1}, {'step': 9, 'loss': 5.25}]
    logs.write_text('\n'.join(map(json.dumps, entries)))
    rng = np.random.default_rng(0)
    paths = [str(table.image_path(row)) for row in range(len(table))]
    features = ReIDFeatures(
        rng.normal(size=(len(table), 8)),
        table.tracklet_id,
        table.video_id,
        table.frame % 3 == 0,
        paths,
    )
    for name, score in (('colour', 0.75), ('before', 0.25), ('after', 0.5)):
        folder = tmp_path / 'scores' / name
        scores = {f'reid/{key}': score for key in SCORES[:-1]}
        scores['reid/num_valid_queries'] = 20.0
        write_json(folder / 'scores.json', scores)
        features.save(folder / 'features.npz')
    facts = {'input': NASTY, 'detector': 'HOG', 'labels': 'truth'}
    facts |= {'start': 'random weights', 'commands': ['one', f'two {NASTY}']}
    facts['networks'] = ['colour', 'before', 'after']
    write_json(tmp_path / 'quickstart.json', facts)
    result = {'round': 1, 'identities': 'identities'}
    result['weights'] = 'cion/epoch_5.pth'
    rounds = {'rounds': [round_of(1)], 'result': result}
    rounds |= {'ended': 'Round 1 was the last one wanted.', 'max_rounds': 1}
    write_json(tmp_path / 'rounds.json', rounds)
    return tmp_path


def test_page_of_a_run(work_dir, call_tool, capsys):
    call_tool('quickstart_report.py', work_dir)
    output = capsys.readouterr().out
    assert 'network after pre-training       mAP 0.500' in output
    assert 'did NOT' not in output
    page = Page(work_dir / 'report.html')
    check_self_contained(page)
    assert '<script' not in page.source
    assert 'Rounds' not in page.sections  # there is one
    assert page.cards == {
        'person images': ('60', 'in 2 clips'),
        'tracklets': ('10',),
        'identities': ('5', '5 of them in several clips'),
        'mAP after pre-training': ('0.500', '0.250 before'),
    }
    assert page.rows('What was done') == [
        [NASTY, '12', '0', '60', '10', '60'],
    ]
    assert 'for 9 steps. Pre-training raised' in page.text
    several = page.tiles('Identities of several clips')
    assert len(several) == 4 * 10 + 8  # one lost 3 images of one clip
    assert len(page.tiles('Removed images')) == 3
    assert page.rows('Retrieval across clips')[2] == [
        *('network after pre-training', '0.500', '0.500', '0.500'),
        *('0.500', '20'),
    ]
    ranked = page.tiles('Retrieval across clips')
    queries = [border for _, border, _ in ranked if border == 'ink']
    assert len(queries) == 2 * 5  # before and after pre-training
    assert len(ranked) == 2 * 5 * 10
    losses = page.sections['Pre-training'].find('.//img')
    assert losses.get('alt') == 'Loss from 7.50 to 5.25'
    assert f'two {NASTY}' in text(page.sections['Do it yourself'])


def test_two_rounds_side_by_side(work_dir, call_tool, capsys):
    run = read_json(work_dir / 'quickstart.json')
    run['networks'].append('after_2')
    write_json(work_dir / 'quickstart.json', run)
    scores = work_dir / 'scores'
    shutil.copytree(scores / 'after', scores / 'after_2')
    (work_dir / 'round_2').mkdir()
    for name in ('identities', 'cion'):
        (work_dir / name).rename(work_dir / 'round_2' / name)
    rounds = read_json(work_dir / 'rounds.json')
    rounds |= {'rounds': [round_of(1), round_of(2)], 'max_rounds': 2}
    rounds |= {'ended': f'Round 2 was the last {NASTY}.'}
    rounds['result'] = {
        'round': 2,
        'identities': 'round_2/identities',
        'weights': 'round_2/cion/epoch_5.pth',
    }
    write_json(work_dir / 'rounds.json', rounds)
    call_tool('quickstart_report.py', work_dir)
    output = capsys.readouterr().out
    assert 'network after pre-training, round 1' in output
    assert rounds['ended'] in output
    page = Page(work_dir / 'report.html')
    check_self_contained(page)
    assert [row[0] for row in page.rows('Rounds')] == ['round 1', 'round 2']
    assert rounds['ended'] in text(page.sections['Rounds'])
    names = [row[0] for row in page.rows('Retrieval across clips')]
    assert names == [
        'colour histograms, no network',
        'network before pre-training',
        'network after pre-training, round 1',
        'network after round 2',
    ]
    assert 'Network after round 2: the query' in page.text


def test_a_run_that_did_not_help_says_so(work_dir, call_tool, capsys):
    after = work_dir / 'scores' / 'after' / 'scores.json'
    after.write_text(after.read_text().replace('0.5', '0.125'))
    call_tool('quickstart_report.py', work_dir)
    assert 'did NOT raise mAP' in capsys.readouterr().out
    page = Page(work_dir / 'report.html')
    assert 'Pre-training did not raise the mAP' in page.text
