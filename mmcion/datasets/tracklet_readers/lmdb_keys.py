"""The keys of an LMDB of images, without reading the images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.datasets.image_reader import open_lmdb
from mmcion.utils.safe_pickle import load_pickle
from mmcion.utils.skip_report import SkipReport

from .image_tree import EMPTY_FILE

_CHUNK = 100_000
NOT_THERE = 'in keys.pkl, not in the LMDB'


def find_lmdb(root: Path) -> Path | None:
    """Return what lmdb opens: a file, or a folder with ``data.mdb``.

    Args:
        root: the file or folder itself, or the folder with ``lmdb``.
    """
    if root.is_file():
        return root
    for folder in (root, root / 'lmdb'):
        if (folder / 'data.mdb').is_file():
            return folder
    return None


def read_keys(
    place: Path, report: SkipReport, *, check_sizes: bool = False
) -> Iterator[list[bytes]]:
    """Yield the keys of an LMDB in parts.

    They come from ``keys.pkl``, where there is one in its folder or beside
    the folder ``lmdb``: a list, or a dictionary whose ``keys`` is the list.
    Otherwise all keys of the LMDB are taken.

    Args:
        place: the LMDB, as ``find_lmdb`` returns it.
        report: keys without an image are counted there.
        check_sizes: look for empty values.

    Raises:
        ImportError: if the package lmdb is missing.
        ValueError: if the LMDB or ``keys.pkl`` is damaged.
    """
    environment = open_lmdb(place)
    listed = _listed_keys(place)
    try:
        # without copies, values are not read from disk
        with environment.begin(buffers=True) as transaction:
            entries = transaction.stat()['entries']
            if listed is None:
                report.note('no keys.pkl: all keys of the LMDB are taken')
                keys = transaction.cursor().iternext(values=False)
            else:
                if entries > len(listed):
                    report.note(
                        f'the LMDB has {entries:,} entries, keys.pkl lists '
                        f'{len(listed):,}, which are taken'
                    )
                keys = iter(listed)
            cursor = transaction.cursor()
            part: list[bytes] = []
            for key in map(_as_bytes, keys):
                # keys that come from the LMDB itself are there
                if listed is not None and not cursor.set_key(key):
                    report.skip(NOT_THERE, _as_text(key))
                elif check_sizes and not len(transaction.get(key)):
                    report.skip(EMPTY_FILE, _as_text(key))
                else:
                    part.append(key)
                if len(part) == _CHUNK:
                    yield part
                    part = []
            if part:
                yield part
    finally:
        environment.close()


def _listed_keys(place: Path) -> list[Any] | None:
    files = [place / 'keys.pkl']
    if place.is_file() or place.name == 'lmdb':
        files.append(place.parent / 'keys.pkl')
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return None
    content = load_pickle(file)
    keys = content.get('keys') if isinstance(content, dict) else content
    if isinstance(keys, np.ndarray):
        keys = keys.tolist()
    if not isinstance(keys, list) or not keys:
        raise ValueError(
            f'{file} must be a list of keys or a dictionary with the list '
            f'"keys"; it is a {type(content).__name__}'
            + (f' of {list(content)[:5]}' if isinstance(content, dict) else '')
        )
    if not isinstance(keys[0], (str, bytes)):
        raise ValueError(f'{file} lists {keys[0]!r}, which is no key.')
    return keys


def _as_bytes(key: Any) -> bytes:
    return key.encode() if isinstance(key, str) else bytes(key)


def _as_text(key: bytes) -> str:
    return key.decode('ascii', 'replace')
