"""CION's annotation file: ``[{"file_path": text, "id": integer}, ...]``.

It is read and written in blocks, because millions of entries as Python
objects need many times the memory of their columns.
Source: CION repository, ``data/dataloader.py``.
"""

from __future__ import annotations

import codecs
import json
import reprlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import numpy as np

from mmcion.utils.checks import UserError
from mmcion.utils.io import atomic_file

from .columns import join_parts

_BUFFER = 1 << 20  # bytes parsed at a time
_BLOCK = 1 << 16  # entries held as Python objects
_LEVELS = 1000  # of nested objects and lists; entries need two
_CHECKED = 1 << 14  # bytes between two looks at the level
_FORM = 'a list of objects with the keys "file_path" (text) and "id" (integer)'


def read_cion_json(file: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read an annotation file.

    Keys other than ``file_path`` and ``id`` are ignored.

    Returns:
        Paths ``(N,)`` bytes and ids ``(N,)`` int64, as they are in the file.
    """
    paths, ids = [np.zeros(0, 'S1')], [np.zeros(0, np.int64)]
    entries = _entries(file)
    while block := list(islice(entries, _BLOCK)):
        paths.append(np.array([path for path, _ in block], np.bytes_))
        ids.append(np.array([pid for _, pid in block], np.int64))
    return join_parts(paths), join_parts(ids)


def write_cion_json(
    file: str | Path, path: np.ndarray, pid: np.ndarray
) -> None:
    """Write an annotation file, atomically.

    Ordered by id, as the published file is; rows of one id keep their order.

    Args:
        file: Replaced if it exists.
        path: ``(N,)`` bytes.
        pid: ``(N,)`` integers.
    """
    order = np.argsort(pid, kind='stable')  # (N,)
    with atomic_file(file) as temporary, open(temporary, 'w') as stream:
        stream.write('[')
        for start in range(0, len(order), _BLOCK):
            rows = order[start : start + _BLOCK]
            lines = [
                f'\n{{"file_path": {_as_json(name)}, "id": {i}}}'
                for name, i in zip(
                    path[rows].tolist(), pid[rows].tolist(), strict=True
                )
            ]
            stream.write((',' if start else '') + ','.join(lines))
        stream.write('\n]\n')


def _as_json(path: bytes) -> str:
    try:
        return json.dumps(path.decode())
    except UnicodeDecodeError as error:
        raise UserError(f'{path!r} is not UTF-8; rename it.') from error


class _FlatFile:
    """Refuse deeply nested JSON, for which ijson would need all memory.

    Brackets are counted, also those in names, where they come in pairs.
    """

    def __init__(self, stream: BinaryIO, file: str | Path) -> None:
        self.stream, self.file, self.depth = stream, file, 0

    def read(self, size: int) -> bytes:
        block = self.stream.read(size)
        for start in range(0, len(block), _CHECKED):
            part = block[start : start + _CHECKED]
            self.depth += part.count(b'[') + part.count(b'{')
            self.depth -= part.count(b']') + part.count(b'}')
            if self.depth > _LEVELS:
                levels = f'more than {_LEVELS} levels'
                raise UserError(f'{self.file} must be {_FORM}; has {levels}.')
        return block


def _entries(file: str | Path) -> Iterator[tuple[bytes, int]]:
    """Yield the path and the id of every entry, one by one."""
    count = 0
    with open(file, 'rb') as stream:
        if stream.peek(3).startswith(codecs.BOM_UTF8):
            stream.seek(3)
        # of an object, ijson would yield what is under the key "item"
        start = stream.peek(1).lstrip()[:20]
        if start[:1] not in (b'[', b''):
            raise UserError(f'{file} must be {_FORM}; begins with {start!r}.')
        try:
            for entry in ijson.items(
                _FlatFile(stream, file),
                'item',
                buf_size=_BUFFER,
                use_float=True,
            ):
                fields: Any = entry if isinstance(entry, dict) else {}
                path, pid = fields.get('file_path'), fields.get('id')
                # a bool is an int, too; NumPy would drop a NUL at the end
                fits = (type(path), type(pid)) == (str, int)
                if not fits or '\0' in path:
                    found = f'entry {count} is {reprlib.repr(entry)}'
                    raise UserError(f'{file} must be {_FORM}; {found}.')
                yield path.encode(), pid
                count += 1
        # UnicodeError: half of a surrogate pair, in the text or as an escape
        except (ijson.JSONError, UnicodeError, RecursionError) as error:
            size = Path(file).stat().st_size
            raise UserError(
                f'{file} is damaged or not JSON: {str(error).splitlines()[0]} '
                f'after {count} entries ({size} bytes).'
            ) from error
