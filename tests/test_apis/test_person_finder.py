import json
import re
import shutil

import numpy as np
import pytest

from mmcion import PersonFinder
from mmcion.apis.features import FeatureExtractor
from mmcion.registry import MODELS
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError

from ..tool_utils import ROOT
from .person_search import (
    NETWORK,
    draw,
    open_store,
    write_identities,
    write_recording,
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp('a') / 'work_dirs')


@pytest.fixture
def copy(folder, tmp_path):
    """Recording that a test may change."""
    return shutil.copytree(folder, tmp_path / 'work_dirs')


@pytest.mark.parametrize('center', [False, True])
def test_person_of_a_new_crop(tmp_path, center):
    folder = write_recording(tmp_path / 'work_dirs', center=center)
    crops = [tmp_path / f'{person}.png' for person in (1, 0)]
    for person, path in zip((1, 0), crops, strict=True):
        draw(path, person, 100 + person)
    answers = PersonFinder(folder / 'identities')(crops, topk=2)
    assert [answer['query'] for answer in answers] == [*map(str, crops)]
    assert answers[0]['threshold'] == 0.3  # of the last level
    for answer, identity in zip(answers, (1, 2), strict=True):
        first, second = answer['matches']
        assert (first['rank'], first['identity']) == (1, identity)
        assert first['near'] and not second['near']
        assert 0 < first['distance'] < 0.1 < second['distance']
    first = answers[0]['matches'][0]
    assert [
        (x['video'], x['start_seconds'], x['end_seconds'], x['images'])
        for x in first['appearances']
    ] == [('day-clip0', 0, 3, 4), ('day-clip1', 4, 7, 4)]
    table = TrackletTable.load(folder / 'tracklets' / 'table')
    for seen in first['appearances']:
        assert seen['best_crop'] == str(table.image_path(seen['best_row']))
    json.dumps(answers)  # nothing of NumPy


def test_distance_is_to_the_centroid(folder):
    table = TrackletTable.load(folder / 'tracklets' / 'table')
    feats = open_store(folder)[:].astype(float)
    crops = [table.image_path(row) for row in range(len(table))]
    answers = PersonFinder(folder / 'identities')(crops, topk=3)
    identity = np.load(folder / 'identities' / 'identity.npy')
    sums = np.array([feats[identity == k].sum(0) for k in range(3)])
    centroids = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    expected = 1 - feats @ centroids.T
    for row, answer in enumerate(answers):
        matches = answer['matches']
        assert [m['identity'] for m in matches] == [*expected[row].argsort()]
        np.testing.assert_allclose(
            [m['distance'] for m in matches], np.sort(expected[row]), atol=1e-4
        )


def test_images_may_be_gone_and_rates_unknown(tmp_path):
    folder = write_recording(tmp_path / 'work_dirs', fps=None)
    draw(tmp_path / 'a.png', 0, 100)
    shutil.rmtree(folder / 'tracklets' / 'crops')
    report = folder / 'identities' / 'report.json'
    value = json.loads(report.read_text())
    del value['stages']
    value['calibration'] = {'link_delta': None}
    report.write_text(json.dumps(value))
    find = PersonFinder(folder / 'identities')
    (answer,) = find(tmp_path / 'a.png', topk=1)
    (match,) = answer['matches']
    assert match['identity'] == 2
    assert (answer['threshold'], match['near']) == (None, None)
    assert match['appearances'][0]['start_seconds'] is None
    find.write_page(tmp_path / 'page.html', [answer])
    page = (tmp_path / 'page.html').read_text()
    assert 'frame 0' in page
    assert find.note.startswith('These features') and find.note in page


def test_another_extractor_is_refused(folder):
    other = {**NETWORK, 'data_preprocessor': {'type': 'ReIDDataPreprocessor'}}
    model = MODELS.build(other)
    with pytest.raises(UserError, match='not the extractor'):
        PersonFinder(folder / 'identities', model=model)
    right = MODELS.build(NETWORK)
    pipeline = FeatureExtractor(right).pipeline
    assert pipeline[1]['size'] == (256, 128)  # of another size, as here
    PersonFinder(folder / 'identities', model=right)


def test_other_features_are_refused(copy):
    store = open_store(copy)
    store.meta['checkpoint'] = 'another'
    identity = np.load(copy / 'identities' / 'identity.npy')
    write_identities(copy, store, identity)
    with pytest.raises(UserError, match='other features'):
        PersonFinder(copy / 'identities')


def test_folders_are_recorded_or_given(copy):
    report = copy / 'identities' / 'report.json'
    value = json.loads(report.read_text())
    del value['inputs']['table_folder']
    report.write_text(json.dumps(value))
    with pytest.raises(UserError, match='--table'):
        PersonFinder(copy / 'identities')
    table = copy / 'tracklets' / 'table'
    assert len(PersonFinder(copy / 'identities', table=table).table) == 24


def test_example_of_the_docs(copy, tmp_path, monkeypatch, capsys):
    text = (ROOT / 'docs' / 'identities.md').read_text()
    (example,) = re.findall(r'```python\n(.*?)```', text, re.DOTALL)
    draw(tmp_path / 'person.jpg', 2, 100)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('0 0.') and lines[0].endswith('True')
    assert lines[1:3] == ['day-clip0 0.0 3.0', 'day-clip1 4.0 7.0']
