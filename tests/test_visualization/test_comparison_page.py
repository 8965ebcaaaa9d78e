import pytest

from mmcion.visualization import write_comparison

from .html_page import Page, check_self_contained

NASTY = '<script>alert(1)</script>'
SCORES = {
    name: {'reid/mAP': value, 'reid/num_valid_queries': 3}
    for name, value in (('market1501', 0.8125), (NASTY, 0.25))
}
SCORES['market1501']['reid/reverse/Rank-1'] = 0.5


@pytest.fixture
def page(tmp_path):
    file = tmp_path / 'new' / 'report.html'
    options = dict.fromkeys(SCORES, f'rerank={NASTY}')
    write_comparison(file, SCORES, options=options, command=f'test.py {NASTY}')
    return Page(file)


def test_page_has_a_row_for_each_set_and_direction(page):
    assert page.rows('Scores') == [
        ['market1501', '81.2%', '–', '3 of 0'],
        ['market1501 (reverse)', '–', '50.0%', '0 of 0'],
        [NASTY, '25.0%', '–', '3 of 0'],
    ]
    bars = [
        cell.get('style')
        for cell in page.root.iter('td')
        if cell.get('class') == 'bar'
    ]
    assert bars == ['--part: 81.2%', '--part: 50.0%', '--part: 25.0%']


def test_page_has_the_options_of_each_set(page):
    assert page.rows('Options of the scores') == [
        ['market1501', f'rerank={NASTY}'],
        [NASTY, f'rerank={NASTY}'],
    ]


def test_page_is_escaped_and_links_to_the_pages_of_the_sets(page):
    check_self_contained(page)
    links = [link.get('href') for link in page.root.iter('a')]
    links = [link for link in links if not link.startswith('#')]
    assert links == [
        'market1501/report.html',
        '%3Cscript%3Ealert%281%29%3C/script%3E/report.html',
    ]
    assert f'test.py {NASTY}' in page.text


def test_equal_scores_give_equal_pages(tmp_path):
    for name in ('a', 'b'):
        write_comparison(tmp_path / name, SCORES)
    assert (tmp_path / 'a').read_bytes() == (tmp_path / 'b').read_bytes()
