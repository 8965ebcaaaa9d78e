from mmcion.visualization.comparison_report import write_comparison

SCORES = {
    name: {'reid/mAP': value, 'reid/num_valid_queries': 3}
    for name, value in (('market1501', 0.8125), ('msmt17', 0.25))
}


def test_page_has_a_row_and_a_bar_for_each_set(tmp_path):
    file = tmp_path / 'new' / 'report.html'
    write_comparison(file, SCORES, title='ABC', command='python test.py')
    page = file.read_text()
    assert '<title>ABC</title>' in page
    for text in ('market1501', '81.2%', 'msmt17/report.html', 'test.py'):
        assert text in page
    assert page.count('<figure>') == 1  # there is no Rank-1


def test_equal_scores_give_equal_pages(tmp_path):
    for name in ('a', 'b'):
        write_comparison(tmp_path / name, SCORES)
    assert (tmp_path / 'a').read_bytes() == (tmp_path / 'b').read_bytes()
