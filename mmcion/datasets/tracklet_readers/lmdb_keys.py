"""Read the keys of an LMDB of images, without the images."""

from __future__ import annotations

import contextlib
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.datasets.image_reader import open_lmdb
from mmcion.utils.checks import UserError
from mmcion.utils.safe_pickle import load_pickle
from mmcion.utils.skip_report import SkipReport

from .image_tree import EMPTY_FILE

_CHUNK = 100_000
NOT_THERE = 'in keys.pkl, but not in the LMDB'


def find_lmdb(root: Path) -> Path | None:
    """Return the LMDB that ``root`` is, or its folder ``lmdb``."""
    if root.is_file():
        return root
    folders = (root, root / 'lmdb')
    return next((f for f in folders if (f / 'data.mdb').is_file()), None)


def read_keys(
    place: Path, report: SkipReport, check_sizes: bool = False
) -> Iterator[list[bytes]]:
    """Yield the keys of an LMDB in parts.

    They come from ``keys.pkl`` in its folder or beside the folder ``lmdb``: a
    list, or a dictionary whose ``keys`` is the list. Without the file they are
    all keys of the LMDB.

    Args:
        place: LMDB, as ``find_lmdb`` returns it.
        report: Keys without an image are counted there.
        check_sizes: Whether to skip empty values.
    """
    listed = _listed_keys(place)
    with (
        contextlib.closing(open_lmdb(place)) as environment,
        # without copies, values are not read from disk
        environment.begin(buffers=True) as transaction,
    ):
        cursor = transaction.cursor()
        if listed is None:
            report.note('no keys.pkl: all keys of the LMDB are taken')
            keys = transaction.cursor().iternext(values=False)
        else:
            keys = iter(listed)
            entries = transaction.stat()['entries']
            if entries > len(listed):
                report.note(
                    f'the LMDB has {entries:,} entries, keys.pkl lists '
                    f'{len(listed):,}, which are taken'
                )
        part: list[bytes] = []
        for item in keys:
            key = item.encode() if isinstance(item, str) else bytes(item)
            # keys that come from the LMDB itself are there
            if listed is not None and not cursor.set_key(key):
                report.skip(NOT_THERE, key.decode('ascii', 'replace'))
            elif check_sizes and not len(transaction.get(key)):
                report.skip(EMPTY_FILE, key.decode('ascii', 'replace'))
            else:
                part.append(key)
            if len(part) == _CHUNK:
                yield part
                part = []
        if part:
            yield part


def _listed_keys(place: Path) -> list[Any] | None:
    """Return the keys of ``keys.pkl``, None if there is no such file."""
    files = [place / 'keys.pkl']
    if place.is_file() or place.name == 'lmdb':
        files.append(place.parent / 'keys.pkl')
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return None
    content = load_pickle(file)  # runs no code of the file
    keys = content.get('keys') if isinstance(content, dict) else content
    if isinstance(keys, np.ndarray):
        keys = keys.tolist()
    first = keys[0] if isinstance(keys, list) and keys else None
    if not isinstance(first, str | bytes):
        content = reprlib.repr(content)
        raise UserError(f'{file} must be a list of keys; got {content}.')
    return keys
