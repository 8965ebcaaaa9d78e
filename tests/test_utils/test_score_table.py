from mmcion.utils.score_table import score_lines, score_rows, score_table

SCORES = {
    'market1501': {
        'reid/mAP': 0.5,
        'reid/Rank-1': 1.0,
        'reid/num_valid_queries': 3368,
        'reid/num_queries': 3368,
        'reid/num_tied_queries': 2,
    },
    'regdb': {
        'mAP': 0.25,
        'num_valid_queries': 9,
        'num_queries': 10,
        'reverse/mAP': 0.125,
        'reverse/num_valid_queries': 10,
        'reverse/num_queries': 10,
    },
}


def test_directions_have_rows_of_their_own():
    header, rows = score_rows(SCORES)
    names = ['data set', 'mAP', 'Rank-1', 'queries with a match']
    assert header == [*names, 'tied']
    assert rows == [
        ['market1501', '0.5000', '1.0000', '3,368 of 3,368', '2'],
        ['regdb', '0.2500', '-', '9 of 10', '0'],
        ['regdb (reverse)', '0.1250', '-', '10 of 10', '0'],
    ]
    header, rows = score_rows({'regdb': SCORES['regdb']})
    assert header == [name for name in names if name != 'Rank-1']
    assert rows[0] == ['regdb', '0.2500', '9 of 10']


def test_columns_of_the_text_are_aligned():
    lines = score_table(SCORES).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split('  ')[0] == 'data set'
    assert lines[2].startswith('market1501 ')
    column = lines[0].index('Rank-1')
    assert lines[2][column : column + 6] == '1.0000'


def test_scores_of_one_data_set_have_a_line_per_direction():
    assert score_lines(SCORES['regdb']).splitlines() == [
        'mAP 0.2500  queries with a match 9 of 10',
        '(reverse)  mAP 0.1250  queries with a match 10 of 10',
    ]
