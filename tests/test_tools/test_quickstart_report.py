import json

import numpy as np
import pytest

from mmcion.structures import IdentityLabels, ReIDFeatures, TrackletTable
from mmcion.utils.io import write_json

from ..test_visualization.html_page import Page, check_self_contained, text

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
    write_json(tmp_path / 'quickstart.json', facts)
    return tmp_path


def test_page_of_a_run(work_dir, call_tool, capsys):
    call_tool('quickstart_report.py', work_dir)
    output = capsys.readouterr().out
    assert 'network after pre-training       mAP 0.500' in output
    assert 'did NOT' not in output
    page = Page(work_dir / 'report.html')
    check_self_contained(page)
    assert '<script' not in page.source
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


def test_a_run_that_did_not_help_says_so(work_dir, call_tool, capsys):
    after = work_dir / 'scores' / 'after' / 'scores.json'
    after.write_text(after.read_text().replace('0.5', '0.125'))
    call_tool('quickstart_report.py', work_dir)
    assert 'did NOT raise mAP' in capsys.readouterr().out
    page = Page(work_dir / 'report.html')
    assert 'Pre-training did not raise the mAP' in page.text
