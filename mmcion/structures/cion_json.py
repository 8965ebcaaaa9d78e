"""CION's annotation file: ``[{"file_path": text, "id": integer}, ...]``.

It is read and written piece by piece, because millions of entries as Python
objects need many times the memory of their columns.
Source: CION repository, ``data/dataloader.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

import numpy as np

from mmcion.utils.io import atomic_file

from .columns import join_paths

_CHUNK = 1 << 20  # characters read at a time
_BLOCK = 1 << 16  # entries turned into columns at a time
_MARGIN = 16  # an error this close to the end of a chunk may be its end
_SPACE = re.compile(r'[ \t\n\r]*')
_ID_LIMIT = 1 << 63
_DECODER = json.JSONDecoder()


def read_cion_json(file: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read an annotation file.

    Keys other than ``file_path`` and ``id`` are ignored.

    Returns:
        Paths ``(N,)`` bytes and ids ``(N,)`` int64, as they are in the file.

    Raises:
        ValueError: if it is no JSON, breaks off, or is not a list of objects
            with a text and an integer; names the entry.
    """
    paths: list[bytes] = []
    ids: list[int] = []
    path_parts, id_parts = [], [np.zeros(0, np.int64)]
    # bytes that are no UTF-8 must not hide how far the file is good
    with open(file, encoding='utf-8-sig', errors='surrogateescape') as stream:
        for number, entry in enumerate(_Entries(file, stream)):
            path, identity = _checked(file, number, entry)
            paths.append(path)
            ids.append(identity)
            if len(ids) == _BLOCK:
                path_parts.append(np.array(paths, np.bytes_))
                id_parts.append(np.array(ids, np.int64))
                paths.clear()
                ids.clear()
    path_parts.append(np.array(paths, np.bytes_))
    id_parts.append(np.array(ids, np.int64))
    return join_paths(path_parts), np.concatenate(id_parts)


def write_cion_json(
    file: str | Path, path: np.ndarray, pid: np.ndarray
) -> None:
    """Write an annotation file, atomically.

    Ordered by id, as the published file is; rows of one id keep their order.

    Args:
        file: replaced if it exists.
        path: ``(N,)`` bytes.
        pid: ``(N,)`` integers.
    """
    order = np.argsort(pid, kind='stable')
    with atomic_file(file) as temporary, open(temporary, 'w') as stream:
        stream.write('[')
        for start in range(0, len(order), _BLOCK):
            rows = order[start : start + _BLOCK]
            lines = [
                f'\n{{"file_path": {json.dumps(name.decode())}, "id": {i}}}'
                for name, i in zip(
                    path[rows].tolist(), pid[rows].tolist(), strict=True
                )
            ]
            stream.write((',' if start else '') + ','.join(lines))
        stream.write('\n]\n')


class _Entries:
    """The entries of a JSON list, one by one.

    Args:
        file: name for messages.
        stream: the open file.
    """

    def __init__(self, file: str | Path, stream: TextIO) -> None:
        self.file = file
        self.stream = stream
        self.text, self.pos, self.count = '', 0, 0

    def __iter__(self) -> Iterator[Any]:
        first = self._next_mark()
        if first not in ('[', ''):
            raise ValueError(
                f'{self.file} must be a list of objects with the keys '
                f'"file_path" and "id"; it begins with '
                f'{self.text[self.pos : self.pos + 20]!r}.'
            )
        self._step_over('[')
        if self._next_mark() != ']':
            yield self._next_entry()
            while self._next_mark() == ',':
                self.pos += 1
                self._next_mark()
                yield self._next_entry()
        self._step_over(']')
        if self._next_mark():
            self._fail('there is text after the end of the list')

    def _read_more(self) -> bool:
        rest = self.text[self.pos :]
        # long entries are tried again at twice the length
        piece = self.stream.read(max(_CHUNK, len(rest)))
        self.text, self.pos = rest + piece, 0
        return bool(piece)

    def _next_mark(self) -> str:
        """Go to the next character that is no space; '' at the end."""
        while True:
            match = _SPACE.match(self.text, self.pos)
            assert match is not None
            self.pos = match.end()
            if self.pos < len(self.text):
                return self.text[self.pos]
            if not self._read_more():
                return ''

    def _step_over(self, mark: str) -> None:
        found = self._next_mark()
        if not found:
            self._break_off()
        if found != mark:
            self._fail(f'a comma or {mark} is missing')
        self.pos += 1

    def _next_entry(self) -> Any:
        while True:
            try:
                entry, self.pos = _DECODER.raw_decode(self.text, self.pos)
            except json.JSONDecodeError as error:
                in_text = error.msg.startswith('Unterminated string')
                place = error.pos - self.pos
                early = error.pos + _MARGIN < len(self.text)
                if early and not in_text:
                    self._fail(error.msg)
                if self._read_more():
                    continue
                text = self.text.rstrip()
                at_end = place >= len(text) or not text.endswith(']')
                if in_text or at_end:
                    self._break_off()
                self._fail(error.msg)
            self.count += 1
            return entry

    def _break_off(self) -> NoReturn:
        size = Path(self.file).stat().st_size
        raise ValueError(
            f'{self.file} is not a JSON file: it breaks off after '
            f'{self.count} entries ({size} bytes). Copy or download it again.'
        )

    def _fail(self, problem: str) -> NoReturn:
        raise ValueError(
            f'{self.file} is not a JSON file: {problem}, after '
            f'{self.count} entries.'
        )


def _checked(file: str | Path, number: int, entry: Any) -> tuple[bytes, int]:
    """Return path and id of an entry, or say what is wrong with it."""
    problem = None
    if type(entry) is not dict:
        problem = f'is {_short(entry)}, no object'
    elif missing := {'file_path', 'id'} - entry.keys():
        problem = f'has no {" and no ".join(map(repr, sorted(missing)))}'
    elif type(entry['file_path']) is not str:
        problem = f'has the file_path {_short(entry["file_path"])}, no text'
    elif type(entry['id']) is not int:
        problem = f'has the id {_short(entry["id"])}, no integer'
    elif not -_ID_LIMIT <= entry['id'] < _ID_LIMIT:
        problem = f'has the id {_short(entry["id"])}: more than 64 bits'
    elif '\0' in entry['file_path']:
        problem = 'has a file_path with a NUL character'
    else:
        try:
            return entry['file_path'].encode(), entry['id']
        except UnicodeEncodeError:
            problem = (
                f'has the file_path {_short(entry["file_path"])}, which is '
                f'not valid Unicode'
            )
    raise ValueError(
        f'{file} must be a list of objects with the keys "file_path" (text) '
        f'and "id" (integer); entry {number}, counted from 0, {problem}.'
    )


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + '...'
