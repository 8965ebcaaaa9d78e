import re

import numpy as np
import pytest

from mmcion.structures import RocCurve
from mmcion.visualization import draw_retrieval, write_retrieval_report

from .small_retrieval import make_features, rank

ROC = RocCurve(
    thresholds=np.array([0.1, 0.2]),
    tpr=np.array([0.5, 1]),
    fpr=np.array([0.0, 1]),
    num_matches=2,
    num_wrong=1,
)


@pytest.fixture
def result(tmp_path):
    """20 queries; one has no match, and three images are special."""
    features = make_features(tmp_path, people=10, noise=1.0)
    gallery = np.flatnonzero(~features.is_query)
    features.pid[gallery[:3]] = -1
    features.pid[gallery[-2:]] = 77
    result = rank(features, roc=ROC)
    result.num_matches[:] = 2
    result.num_matches[0] = 0
    result.scores = {'reid/mAP': 0.5, 'reid/Rank-1': 0.75, 'reid/mINP': 0.25}
    return result


def page_of(tmp_path, result, **options):
    file = tmp_path / 'page' / 'report.html'
    pictures = options.pop('pictures', None) or draw_retrieval(
        result, method='pca', queries=3
    )
    write_retrieval_report(file, result, pictures=pictures, **options)
    return file.read_text(encoding='utf-8')


def cards(page):
    return dict(re.findall(r'<b>([^<]*)</b><span>([^<]*)</span>', page))


def rows(page, title):
    """Return the cells of the table of a section."""
    section = re.search(rf'<h2>{title}</h2>(.*?)</section>', page, re.S)[1]
    body = re.search('<tbody>(.*?)</tbody>', section, re.S)[1]
    return [
        re.findall(r'<t[hd][^>]*>([^<]*)</t[hd]>', row)
        for row in re.findall('<tr>(.*?)</tr>', body)
    ]


def test_key_figures(result, tmp_path):
    page = page_of(tmp_path, result, title='<b>mine</b>')
    assert cards(page) == {
        '50.0%': 'mAP',
        '75.0%': 'Rank-1',
        '25.0%': 'mINP',
        '19': 'queries with a match',
    }
    assert '95.0% of 20' in page
    assert '&lt;b&gt;mine&lt;/b&gt;' in page
    assert '<b>mine' not in page


def test_sections_in_their_order(result, tmp_path):
    picture = np.zeros((20, 20, 3), np.uint8)
    page = page_of(
        tmp_path,
        result,
        pictures=draw_retrieval(
            result, method='pca', queries=3, activation=picture
        ),
        settings={'config': 'a.py'},
    )
    assert re.findall('<h2>(.*?)</h2>', page) == [
        'Scores',
        'How soon the person is found',
        'Same person or not',
        'Easy and hard queries',
        'Some queries',
        'The worst queries',
        'The most confident mistakes',
        'A map of a few people',
        'Where the model looks',
        'Data',
        'What was run',
    ]
    assert page.count('data:image/svg+xml') == 4
    assert page.count('data:image/jpeg') == 4
    # it loads nothing
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_scores_are_told_with_what_they_mean(result, tmp_path):
    result.scores = {
        'reid/Rank-5': 0.875,
        'reid/num_valid_queries': 19.0,
        'reid/threshold': 0.5,
        'reid/reverse/mAP': 0.25,
        'reid/TPR@FPR=0.001': 0.5,
    }
    table = rows(page_of(tmp_path, result), 'Scores')
    assert table[0][0] == 'Rank-5'
    assert 'among the 5 nearest' in table[0][1]
    assert [row[-1] for row in table] == [
        '87.5%',
        '19',
        '0.500',
        '25.0%',
        '50.0%',
    ]
    assert table[3][0] == 'mAP (reverse)'
    assert 'share of 0.001 of the wrong' in table[4][1]


def test_data_are_counted(result, tmp_path):
    table = rows(page_of(tmp_path, result), 'Data')
    assert table == [
        ['query', '20', '10', '2', '0', '0'],
        ['gallery', '40', '10', '2', '3', '2'],
    ]


def test_remark_stands_with_the_scores(result, tmp_path):
    result.remark = 'Means over ten galleries.'
    page = page_of(tmp_path, result)
    assert '<p>Means over ten galleries.</p>' in page


def test_tracklets_are_called_so(result, tmp_path):
    result.unit = 'tracklet'
    page = page_of(tmp_path, result)
    assert 'a gallery of 40 tracklets' in page
    assert 'Each tracklet is shown by its first image.' in page


def test_settings_are_told_plainly(result, tmp_path):
    page = page_of(
        tmp_path,
        result,
        settings={
            'checkpoint': None,
            'camera aware': True,
            're-ranking': {'k1': 20, 'k2': 6},
            'size': (256, 128),
        },
        command='python tools/test.py <config>',
    )
    assert rows(page, 'What was run') == [
        ['checkpoint', 'none'],
        ['camera aware', 'yes'],
        ['re-ranking', 'k1 = 20, k2 = 6'],
        ['size', '256, 128'],
    ]
    assert '<pre>python tools/test.py &lt;config&gt;</pre>' in page


def test_what_is_not_there_is_left_out(result, tmp_path):
    result.roc, result.scores = None, {}
    page = page_of(
        tmp_path, result, pictures=draw_retrieval(result, queries=0, people=0)
    )
    assert re.findall('<h2>(.*?)</h2>', page) == [
        'Scores',
        'How soon the person is found',
        'Easy and hard queries',
        'Data',
    ]
    assert 'The result has no scores.' in page


def test_missing_images_are_told(result, tmp_path):
    for path in set(result.features.img_path):
        (tmp_path / path).unlink()
    page = page_of(tmp_path, result)
    assert re.search(r'(\d+) of \1 images could not be read', page)


def test_equal_inputs_give_equal_pages(result, tmp_path):
    assert page_of(tmp_path, result) == page_of(tmp_path, result)


def test_pictures_are_drawn_where_none_are_given(result, tmp_path):
    write_retrieval_report(tmp_path / 'a.html', result)
    page = (tmp_path / 'a.html').read_text(encoding='utf-8')
    assert page.count('data:image/svg+xml') == 4
