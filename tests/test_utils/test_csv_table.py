import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.csv_table import read_csv_rows


def read(tmp_path, text, *columns, **options):
    (tmp_path / 'a.csv').write_text(text)
    columns = columns or (('a', 'b'), ('c',))
    return list(read_csv_rows(tmp_path / 'a.csv', *columns, **options))


@pytest.mark.parametrize(
    ('text', 'rows'),
    [
        ('a,b,c\n1,2,3\n', [(2, ('1', '2', '3'))]),
        ('c,b,a\r\n3,2,1\r\n', [(2, ('1', '2', '3'))]),
        ('a,b\n1,2', [(2, ('1', '2', None))]),
        ('a, b\n1, 2\n\n , \n"1,\n1",2\n', None),
        ('a,b\n', []),
    ],
)
def test_rows(tmp_path, text, rows):
    if rows is None:
        rows = [(2, ('1', '2', None)), (4, ('', '', None))]
        rows += [(6, ('1,\n1', '2', None))]
    found = read(tmp_path, text)
    assert [
        (line, tuple(x and x.strip() for x in row)) for line, row in found
    ] == rows


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        ('', 'a, b is missing; found none'),
        ('a,c\n', 'b is missing; found a,c'),
        ('a,b,b\n', 'b is unknown or there twice'),
        ('a,b,d\n', 'd is unknown.* Give others'),
        ('a;b\n', 'found a;b'),
        ('a,b\n1\n', 'line 2: 1 values of 2 columns: a,b'),
        ('a,b\n1,2\n1,2,3\n', 'line 3: 3 values'),
        ('a,b\n"1,2\n', 'line 2: unexpected end'),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, named):
    with pytest.raises(UserError, match=rf'a\.csv.*{named}'):
        read(tmp_path, text, hint='Give others.')


def test_ignored_columns_may_be_there_twice(tmp_path):
    found = read(tmp_path, 'x,a,x,b\n0,1,0,2\n', ignore=['x'])
    assert found == [(2, ('1', '2', None))]


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='table .*none'):
        list(read_csv_rows(tmp_path / 'none', ('a', 'b')))
