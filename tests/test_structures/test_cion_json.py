import json
import re

import numpy as np
import pytest

from mmcion.structures import cion_json
from mmcion.structures.cion_json import read_cion_json, write_cion_json

HARD_PATHS = [
    'a}{][",b.jpg',
    'back\\slash.jpg',
    'tab\t new\nline',
    'é 行人 🚶.jpg',
    '\\ud83d, not an escape',
    '',
    'x' * 300,
    '/absolute/]',
]


@pytest.fixture(params=[1, 2, 7, 1 << 20])
def chunk(request, monkeypatch):
    monkeypatch.setattr(cion_json, '_CHUNK', request.param)
    monkeypatch.setattr(cion_json, '_BLOCK', 3)


def write(folder, text):
    file = folder / 'annos.json'
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def entries(file):
    path, ids = read_cion_json(file)
    assert path.dtype.kind == 'S' and ids.dtype == np.int64
    return [
        (name.decode(), identity)
        for name, identity in zip(path.tolist(), ids.tolist(), strict=True)
    ]


@pytest.mark.parametrize('ensure_ascii', [True, False])
@pytest.mark.parametrize('indent', [None, 0, 4, '\t'])
def test_any_layout_and_any_path(tmp_path, chunk, indent, ensure_ascii):
    expected = [(path, row - 2) for row, path in enumerate(HARD_PATHS)]
    items = [
        {'id': identity, 'more': [{'id': 5}, ']'], 'file_path': path}
        for path, identity in expected
    ]
    text = json.dumps(items, indent=indent, ensure_ascii=ensure_ascii)
    assert entries(write(tmp_path, f' \n{text}\r\n ')) == expected


def test_tight_layout_and_byte_order_mark(tmp_path, chunk):
    items = [{'file_path': 'a', 'id': 1}, {'file_path': 'b', 'id': 2}]
    text = json.dumps(items, separators=(',', ':'))
    file = write(tmp_path, text.encode('utf-8-sig'))
    assert entries(file) == [('a', 1), ('b', 2)]


def test_empty_list(tmp_path, chunk):
    assert entries(write(tmp_path, ' [ \n] ')) == []


def test_broken_off_anywhere(tmp_path, chunk):
    items = [
        {'file_path': path, 'id': row, 'more': [True, None, -1.5]}
        for row, path in enumerate(HARD_PATHS[:4])
    ]
    for ensure_ascii in (True, False):
        whole = json.dumps(items, ensure_ascii=ensure_ascii)
        ends = []
        for match in re.finditer(r'-1.5\]\}', whole):
            ends.append(len(whole[: match.end()].encode()))
        data = whole.encode()
        for size in range(len(data)):
            file = write(tmp_path, data[:size])
            count = sum(end <= size for end in ends)
            message = rf'breaks off after {count} entries \({size} bytes'
            with pytest.raises(ValueError, match=message):
                read_cion_json(file)


GOOD = '{"file_path": "a", "id": 0}'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"file_path": "a", "id": 1}', r'must be a list.*begins with'),
        ('5', r"must be a list.*begins with '5'"),
        ('["a", "b"]', r"entry 0, .* is 'a', no object"),
        (f'[{GOOD}, [1, 2]]', r'entry 1, .* is \[1, 2\], no object'),
        (f'[{GOOD}, null]', 'entry 1, .* is None, no object'),
        ('[{"file_path": "a"}]', "entry 0, .* has no 'id'"),
        (f'[{GOOD}, {{"id": 3}}]', "entry 1, .* has no 'file_path'"),
        ('[{}]', "has no 'file_path' and no 'id'"),
        ('[{"file_path": 5, "id": 0}]', 'the file_path 5, no text'),
        ('[{"file_path": null, "id": 0}]', 'the file_path None, no text'),
        ('[{"file_path": "a", "id": true}]', 'the id True, no integer'),
        ('[{"file_path": "a", "id": 1.0}]', r'the id 1\.0, no integer'),
        ('[{"file_path": "a", "id": "1"}]', "the id '1', no integer"),
        ('[{"file_path": "a", "id": NaN}]', 'the id nan, no integer'),
        (f'[{{"file_path": "a", "id": {2**63}}}]', 'more than 64 bits'),
        (r'[{"file_path": "a\u0000", "id": 1}]', 'NUL character'),
        (r'[{"file_path": "a\ud800", "id": 1}]', 'not valid Unicode'),
        (b'[{"file_path": "\xff.jpg", "id": 1}]', 'not valid Unicode'),
        (f'[{GOOD}] x', 'text after the end of the list, after 1 entries'),
        (f'[{GOOD}] []', 'text after the end of the list'),
        (f'[{GOOD} {GOOD}]', r'a comma or \] is missing, after 1 entries'),
        (f'[{GOOD},]', 'not a JSON file: Expecting value, after 1 entries'),
        (f'[{GOOD}, {{"id" 5}}, {GOOD}]', "Expecting ':' delimiter, after 1"),
        (f'[{GOOD}, {{id: 5}}, {GOOD}]', 'Expecting property name.*, after 1'),
        (f'[{GOOD}, {{"id": 5x}}]', "Expecting ',' delimiter, after 1"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, chunk, text, message):
    with pytest.raises(ValueError, match=message) as error:
        read_cion_json(write(tmp_path, text))
    assert 'annos.json' in str(error.value)


def test_damage_early_in_a_long_file_is_found_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(cion_json, '_CHUNK', 64)
    file = write(tmp_path, f'[{GOOD}, {{id: 5}}, ' + 'x' * 100_000)
    reads = []

    class Counting(cion_json._Entries):
        def _read_more(self):
            reads.append(1)
            return super()._read_more()

    monkeypatch.setattr(cion_json, '_Entries', Counting)
    with pytest.raises(ValueError, match='Expecting property name'):
        read_cion_json(file)
    assert len(reads) < 4


@pytest.mark.parametrize('block', [1, 3, 1 << 16])
def test_written_text_is_that_of_json(tmp_path, monkeypatch, block):
    monkeypatch.setattr(cion_json, '_BLOCK', block)
    path = np.array([name.encode() for name in HARD_PATHS])
    pid = np.array([3, 0, 2, 0, 3, 1, 0, 2])
    write_cion_json(tmp_path / 'annos.json', path, pid)
    lines = [
        json.dumps({'file_path': HARD_PATHS[row], 'id': int(pid[row])})
        for row in sorted(range(8), key=lambda row: (pid[row], row))
    ]
    expected = '[\n' + ',\n'.join(lines) + '\n]\n'
    assert (tmp_path / 'annos.json').read_text() == expected
    assert entries(tmp_path / 'annos.json') == [
        (HARD_PATHS[row], pid[row]) for row in np.argsort(pid, kind='stable')
    ]


def test_empty_table_is_an_empty_list(tmp_path):
    write_cion_json(tmp_path / 'annos.json', np.zeros(0, 'S1'), np.zeros(0))
    assert (tmp_path / 'annos.json').read_text() == '[\n]\n'
