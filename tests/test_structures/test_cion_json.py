import json
import re

import ijson
import numpy as np
import pytest

from mmcion.structures import cion_json
from mmcion.structures.cion_json import read_cion_json, write_cion_json
from mmcion.utils.checks import UserError

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
    monkeypatch.setattr(cion_json, '_BUFFER', request.param)
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


def test_compact_layout_and_byte_order_mark(tmp_path, chunk):
    items = [{'file_path': 'a', 'id': 1}, {'file_path': 'b', 'id': 2}]
    text = json.dumps(items, separators=(',', ':'))
    file = write(tmp_path, text.encode('utf-8-sig'))
    assert entries(file) == [('a', 1), ('b', 2)]


def test_empty_list(tmp_path, chunk):
    assert entries(write(tmp_path, ' [ \n] ')) == []


def test_file_truncated_anywhere(tmp_path, chunk):
    items = [
        {'file_path': path, 'id': row, 'more': [True, None, -1.5]}
        for row, path in enumerate((HARD_PATHS[0], 'é\\\n🚶'))
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
            message = rf'after {count} entries \({size} bytes'
            with pytest.raises(UserError, match=message):
                read_cion_json(file)


GOOD = '{"file_path": "a", "id": 0}'


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('{"file_path": "a", "id": 1}', r'begins with .*file_path'),
        ('{"item": [{"file_path": "a", "id": 1}]}', 'begins with .*item'),
        ('5', "begins with b'5'"),
        ('["a", "b"]', "entry 0 is 'a'"),
        (f'[{GOOD}, [1, 2]]', r'entry 1 is \[1, 2\]'),
        (f'[{GOOD}, null]', 'entry 1 is None'),
        ('[{"file_path": "a"}]', r"entry 0 is \{'file_path': 'a'\}"),
        (f'[{GOOD}, {{"id": 3}}]', r"entry 1 is \{'id': 3\}"),
        ('[{}]', r'entry 0 is \{\}'),
        ('[{"file_path": 5, "id": 0}]', "'file_path': 5"),
        ('[{"file_path": null, "id": 0}]', "'file_path': None"),
        ('[{"file_path": "a", "id": true}]', "'id': True"),
        ('[{"file_path": "a", "id": 1.0}]', r"'id': 1\.0"),
        ('[{"file_path": "a", "id": "1"}]', "'id': '1'"),
        (r'[{"file_path": "a\u0000", "id": 1}]', r"'a\\x00'"),
    ],
)
def test_entry_of_another_form(tmp_path, chunk, text, value):
    with pytest.raises(UserError, match=rf'annos\.json.*{value}'):
        read_cion_json(write(tmp_path, text))


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        (f'[{GOOD}] x', 'trailing garbage'),
        (f'[{GOOD}] []', 'trailing garbage'),
        (f'[{GOOD} {GOOD}]', "expect ',' or ']'"),
        (f'[{GOOD},]', 'unallowed token'),
        (f'[{GOOD}, {{"id" 5}}, {GOOD}]', 'object key and value'),
        (f'[{GOOD}, {{id: 5}}, {GOOD}]', 'invalid char'),
        (f'[{GOOD}, {{"id": 5x}}]', 'invalid char'),
        (f'[{GOOD}, {{"file_path": "a", "id": {2**63}}}]', 'overflow'),
        (f'[{GOOD}, {{"file_path": "a", "id": NaN}}]', 'invalid char'),
        (f'[{GOOD}, '.encode() + b'{"file_path": "\xff.jpg"}]', 'UTF8'),
    ],
)
def test_text_that_is_not_json(tmp_path, chunk, text, problem):
    message = rf'annos\.json.*{re.escape(problem)}.* after 1 entries'
    with pytest.raises(UserError, match=message):
        read_cion_json(write(tmp_path, text))


def test_fast_parser_is_installed():
    # the one in Python takes minutes for CION-AL
    assert ijson.backend == 'yajl2_c'


@pytest.mark.parametrize('block', [1, 3, 1 << 16])
def test_written_text_equals_json(tmp_path, monkeypatch, block):
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


def test_half_of_a_surrogate_pair_is_an_error(tmp_path):
    file = tmp_path / 'a.json'
    file.write_text(json.dumps([{'file_path': 'caf\udce9.jpg', 'id': 0}]))
    with pytest.raises(UserError, match=r'a\.json'):
        read_cion_json(file)


def test_path_that_json_cannot_hold_is_named(tmp_path):
    path = np.array([b'caf\xe9.jpg'])
    with pytest.raises(UserError, match='caf'):
        write_cion_json(tmp_path / 'a.json', path, np.zeros(1, int))


@pytest.mark.parametrize('start', ['', '[{"file_path": "a", "id": '])
@pytest.mark.parametrize('bracket', ['[', '{"a": '])
def test_deeply_nested_json_does_not_fill_the_memory(tmp_path, start, bracket):
    (tmp_path / 'a.json').write_text(start + bracket * 10_000)
    with pytest.raises(UserError, match=r'a\.json'):
        read_cion_json(tmp_path / 'a.json')
