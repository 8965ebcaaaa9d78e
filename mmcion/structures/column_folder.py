"""A table on disk: one folder with a ``.npy`` file per column and a header.

Columns are memory-mapped, so opening costs the same for ten rows and for ten
million, and processes share the pages.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.utils.io import atomic_folder, read_json, write_json

HEADER = 'table.json'


def save_columns(
    folder: str | Path,
    kind: str,
    columns: Mapping[str, np.ndarray],
    header: Mapping[str, Any],
) -> None:
    """Write columns and header as one folder, atomically.

    Args:
        folder: replaced as a whole if it exists.
        kind: what the folder is; ``load_columns`` insists on the same word.
        columns: arrays by name, whose first axis may differ.
        header: further JSON values.
    """
    with atomic_folder(folder) as temporary:
        for name, column in columns.items():
            np.save(temporary / f'{name}.npy', column)
        lengths = {name: len(column) for name, column in columns.items()}
        write_json(
            temporary / HEADER,
            {'kind': kind, 'lengths': lengths, **header},
        )


def load_columns(
    folder: str | Path, kind: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Open a folder of columns memory-mapped and read-only.

    Returns:
        The columns by name and the header.

    Raises:
        FileNotFoundError: if the folder, its header or a column is missing.
        ValueError: if the folder is of another kind, or a column has not the
            length that the header states; both counts are named.
    """
    folder = Path(folder)
    if not (folder / HEADER).is_file():
        raise FileNotFoundError(
            f'{folder} is no {kind}: it has no {HEADER}. Give the folder '
            f'that a tool of mmcion wrote.'
        )
    header = read_json(folder / HEADER)
    if header.get('kind') != kind:
        raise ValueError(
            f'{folder} holds a {header.get("kind")}, not a {kind}.'
        )
    columns = {}
    for name, length in header['lengths'].items():
        path = folder / f'{name}.npy'
        try:
            column = np.load(path, mmap_mode='r' if length else None)
        except (ValueError, EOFError) as error:
            raise ValueError(
                f'{path} is damaged: the header promises {length} rows, the '
                f'file has {path.stat().st_size} bytes ({error}). Write the '
                f'{kind} again.'
            ) from error
        if len(column) != length:
            raise ValueError(
                f'{path} has {len(column)} rows, {HEADER} says {length}. '
                f'Write the {kind} again.'
            )
        columns[name] = column
    return columns, header
