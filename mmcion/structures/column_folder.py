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


def root_in_header(root: Path | None, folder: str | Path) -> str | None:
    """Return how the header of a folder states the root of its images.

    Relative where the root is inside the same parent as the folder, so that
    both can be moved together; else absolute.
    """
    if root is None:
        return None
    parent = Path(folder).resolve().parent
    if not root.is_absolute():
        root = root.resolve()
    if root.is_relative_to(parent):
        root = Path('..') / root.relative_to(parent)
    return str(root)


def root_from_header(
    header: Mapping[str, Any], folder: str | Path
) -> Path | None:
    """Return the root of the images that a header states, if it does."""
    root = header.get('image_root')
    return None if root is None else (Path(folder).resolve() / root).resolve()
