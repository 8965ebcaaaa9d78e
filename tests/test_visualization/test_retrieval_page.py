from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmcion.structures import RocCurve
from mmcion.visualization import Tile, TileGroup, write_retrieval_report
from mmcion.visualization.retrieval_page import Score

from .html_page import Page, check_self_contained, text
from .small_retrieval import make_features, rank

NASTY = '<script>alert(1)</script>'
SCORES = {'reid/mAP': 0.5, 'reid/Rank-1': 0.75, 'reid/mINP': 0.25}
ROC = RocCurve(
    thresholds=np.array([0.1, 0.2]),
    tpr=np.array([0.5, 1]),
    fpr=np.array([0.0, 1]),
    num_matches=2,
    num_wrong=1,
)
FILES = [
    'activation_maps.png',
    'average_precision.png',
    'cmc.png',
    'confident_errors.png',
    'embedding_map.png',
    'embedding_map_cameras.png',
    'random_queries.png',
    'report.html',
    'roc.png',
    'worst_queries.png',
]


def make_result(folder):
    """Rank 20 queries; one has no match, and five images are special."""
    features = make_features(folder, identities=10, noise=1.0)
    gallery = np.flatnonzero(~features.is_query)
    features.pid[gallery[:3]] = -1
    features.pid[gallery[-2:]] = 77
    result = rank(features, roc=ROC)
    result.num_matches[:] = 2
    result.num_matches[0] = 0
    result.scores = dict(SCORES)
    return result


@pytest.fixture(autouse=True, scope='module')
def quick_layout():
    """Lay features out by their first two values: t-SNE takes a second."""
    module = import_module('mmcion.visualization.embedding_map')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, 'project', lambda feats, seed: feats[:, :2])
        yield


@pytest.fixture
def result(tmp_path):
    return make_result(tmp_path)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Folder of a report that shows everything, full of nasty texts."""
    folder = tmp_path_factory.mktemp('all')
    result = make_result(folder)
    nasty = str(folder / f'{NASTY.replace("/", "")}.png')
    Path(result.features.img_path[0]).rename(nasty)
    result.features.img_path = np.where(
        np.arange(len(result.features)) % 2, result.features.img_path, nasty
    )
    result.remark = 'Means over ten galleries.'
    result.unit = 'tracklet'
    result.options = {
        'distance': 'cosine',
        'camera_aware': False,
        'rerank': {'k1': 20, 'k2': 6},
        'query_expansion': {'k': 5},
    }
    tile = Tile(Image.new('RGB', (20, 40)), 'a', name='b')
    write_retrieval_report(
        folder / 'page',
        result,
        title=NASTY,
        settings={
            NASTY: {'k1': 20, NASTY: 6},
            'checkpoint': None,
            'camera aware': True,
            'size': (256, 128),
        },
        command=f'python tools/test.py {NASTY}',
        activation=[TileGroup([[tile]], 'best')],
    )
    return folder / 'page'


@pytest.fixture(scope='module')
def page(folder):
    return Page(folder / 'report.html')


def test_key_figures(page):
    assert page.cards == {
        'mAP': ('50.0%', 'mean average precision'),
        'Rank-1': ('75.0%', 'the nearest image is a match'),
        'mINP': ('25.0%', 'how early the last match is found'),
        'valid queries': ('19', '95.0% of 20 have a match'),
    }


def test_sections_and_files(folder, page):
    assert list(page.sections) == [
        'Scores',
        'Cumulative matching characteristic',
        'Verification',
        'Easy and hard queries',
        'Random queries',
        'The worst queries',
        'The most confident errors',
        'Map of some identities',
        'Activation maps',
        'Data',
        'What was run',
    ]
    assert len(page.images('svg+xml')) == 5
    assert len(page.tiles('Activation maps')) == 1
    assert sorted(file.name for file in folder.iterdir()) == FILES
    for file in folder.glob('*.png'):
        with Image.open(file) as image:
            assert image.format == 'PNG'


def test_queries_are_beside_their_gallery(page):
    tiles = page.tiles('The worst queries')
    queries = [caption for caption, border, _ in tiles if border == 'ink']
    assert len(queries) == 8
    marks = {border: set() for _, border, _ in tiles}
    for caption, border, _ in tiles:
        marks[border].add(caption[-1])
    assert set(marks) == {'ink', 'green', 'red'}
    assert (marks['green'], marks['red']) == ({'✓'}, {'✗'})


@pytest.mark.parametrize(
    ('key', 'value', 'name', 'shown', 'meaning'),
    [
        ('reid/Rank-5', 0.875, 'Rank-5', '87.5%', 'the 5 nearest'),
        ('Rank-1', 1.0, 'Rank-1', '100.0%', 'nearest image is a match'),
        ('reid/num_valid_queries', 1900.0, 'valid queries', '1,900', 'match'),
        ('reid/threshold', 0.5, 'threshold', '0.500', ''),
        ('reid/reverse/mAP', 0.25, 'mAP (reverse)', '25.0%', 'precision'),
        ('reid/TPR@FPR=0.001', 0.5, 'TPR@FPR=0.001', '50.0%', ' of 0.001 of'),
    ],
)
def test_scores_and_what_they_mean(key, value, name, shown, meaning):
    score = Score.from_metric(key, value)
    assert (score.name, score.value) == (name, shown)
    assert meaning in score.meaning
    assert bool(meaning) == bool(score.meaning)


def test_data_are_counted(page):
    assert page.rows('Data') == [
        ['query', '20', '10', '2'],
        ['gallery', '37', '11', '2'],
        ['of which distractors', '2', '1', '1'],
        ['junk, ignored', '3', '–', '2'],
    ]


def test_tracklets_are_named_as_such(page):
    assert 'a gallery of 40 tracklets' in page.text
    assert 'Each tracklet is shown by its first image.' in page.text


def test_remark_is_beside_the_scores(page):
    assert 'Means over ten galleries.' in text(page.sections['Scores'])


def test_page_is_self_contained_and_escaped(page):
    check_self_contained(page)
    assert '<script' not in page.source
    assert page.rows('What was run') == [
        [NASTY, f'k1 20, {NASTY} 6'],
        ['checkpoint', 'none'],
        ['camera aware', 'yes'],
        ['size', '256, 128'],
    ]
    assert f'python tools/test.py {NASTY}' in page.text
    names = {Path(image.get('alt')).name for image in page.images('jpeg')}
    assert '<script>alert(1)<script>.png' in names


def test_what_is_missing_is_left_out(result, tmp_path):
    result.roc, result.scores = None, {}
    result.num_matches[:] = 0
    result.features.cam_id[:] = 1
    page = Page(write_retrieval_report(tmp_path / 'page', result))
    assert list(page.sections) == [
        'Scores',
        'Cumulative matching characteristic',
        'Random queries',
        'Map of some identities',
        'Data',
    ]
    assert 'The result has no scores.' in page.text
    assert sorted(file.name for file in (tmp_path / 'page').iterdir()) == [
        'cmc.png',
        'embedding_map.png',
        'random_queries.png',
        'report.html',
    ]


def test_missing_images_are_named_and_equal_inputs_give_equal_pages(
    result, tmp_path
):
    for path in set(result.features.img_path):
        Path(path).unlink()
    page, again = (
        Page(write_retrieval_report(tmp_path / name, result))
        for name in ('a', 'b')
    )
    section = text(page.sections['Random queries'])
    assert '48 of 48 images could not be read' in section
    assert str(tmp_path) in section
    assert page.source == again.source
    assert 're-ranked' not in page.source


def test_page_names_the_options_of_its_scores(page):
    header = text(page.root.find('.//header'))
    for words in (
        're-ranked by k-reciprocal neighbours (k1 20, k2 6)',
        'query expansion (k 5)',
        'Cameras are not',
    ):
        assert words in header
