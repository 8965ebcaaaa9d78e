"""A table on disk: one folder with a ``.npy`` file per column and a header.

Columns are memory-mapped, and processes share the pages. Opening reads every
column once, to compare its checksum: ten million rows take 0.25 s.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mmcion.utils.checks import UserError, check_columns, check_file
from mmcion.utils.checksums import check_files, write_checksums
from mmcion.utils.io import atomic_folder, map_npy, read_json, write_json
from mmcion.utils.paths import path_inside

HEADER = 'table.json'
_HEADER_FORM = {'lengths': dict[str, int], 'image_root': str | None}


def save_columns(
    folder: str | Path,
    kind: str,
    columns: Mapping[str, np.ndarray],
    header: Mapping[str, Any],
) -> None:
    """Write columns and header as one folder, atomically.

    Args:
        folder: Replaced as a whole if it exists.
        kind: What the folder is, such as the name of a class.
        columns: Arrays by name. Their lengths may differ.
        header: Further JSON values. A path ``image_root`` inside the same
            parent as the folder is stored relative to it, so that both can
            be moved together.
    """
    if root := header.get('image_root'):
        # an absolute root may be a link, which stays
        root = root if root.is_absolute() else root.resolve()
        parent = Path(folder).resolve().parent
        if root.is_relative_to(parent):
            root = Path('..') / root.relative_to(parent)
        header = {**header, 'image_root': str(root)}
    # the header comes last, and the folder appears as a whole
    with atomic_folder(folder) as temporary:
        for name, column in columns.items():
            np.save(temporary / f'{name}.npy', column)
        lengths = {name: len(column) for name, column in columns.items()}
        write_json(
            temporary / HEADER, {'kind': kind, 'lengths': lengths, **header}
        )
        files = [HEADER, *(f'{name}.npy' for name in columns)]
        write_checksums(temporary, files)


def load_columns(
    folder: str | Path,
    kind: str,
    columns: Mapping[str, str] = MappingProxyType({}),
    fields: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Open a folder of columns memory-mapped and read-only.

    Args:
        folder: What ``save_columns`` wrote.
        kind: The same as there.
        columns: Columns that it must have, with the kinds of type that NumPy
            names by letters, such as ``'iu'`` for integers.
        fields: Form of the further values of the header; see ``read_json``.

    Returns:
        Columns by name, and the header; its ``image_root`` is an absolute
        path, or None.

    Raises:
        FileNotFoundError: If the folder, its header or a column is missing.
        UserError: If the folder is of another kind, its header is of another
            form, or a column is damaged, of another type or not as long as
            the header says.
    """
    file = check_file(
        Path(folder) / HEADER,
        f'header of a {kind}',
        'Give the folder that a tool of mmcion wrote.',
    )
    found = read_json(file, {'kind': str})['kind']
    if found != kind:
        raise UserError(f'{folder} is a {found}, not a {kind}.')
    header = read_json(file, {**_HEADER_FORM, **fields})
    check_columns(folder, header['lengths'], list(columns))
    loaded = {
        name: map_npy(path_inside(folder, f'{name}.npy'), (length,))
        for name, length in header['lengths'].items()
    }
    check_files(folder, [HEADER, *(f'{name}.npy' for name in loaded)])
    for name, kinds in columns.items():
        if (dtype := loaded[name].dtype).kind not in kinds:
            raise UserError(f'{folder}: column {name} is of type {dtype}.')
    if root := header.setdefault('image_root', None):
        try:
            header['image_root'] = (file.parent.resolve() / root).resolve()
        except ValueError as error:  # characters that no path can have
            raise UserError(f'{file}: image_root is {root!r}.') from error
    return loaded, header
