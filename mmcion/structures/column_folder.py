"""A table on disk: one folder with a ``.npy`` file per column and a header.

Columns are memory-mapped, so opening costs the same for ten rows and for ten
million, and processes share the pages.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.utils.checks import UserError, check_file
from mmcion.utils.io import atomic_folder, map_npy, read_json, write_json

HEADER = 'table.json'


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
        header: Further JSON values.
    """
    # the header comes last, and the folder appears as a whole
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

    Args:
        folder: What ``save_columns`` wrote.
        kind: The same as there.

    Returns:
        The columns by name and the header.

    Raises:
        FileNotFoundError: If the folder, its header or a column is missing.
        UserError: If the folder is of another kind, or a column is damaged
            or not as long as the header says.
    """
    file = check_file(
        Path(folder) / HEADER,
        f'header of a {kind}',
        'Give the folder that a tool of mmcion wrote.',
    )
    header = read_json(file)
    if header.get('kind') != kind:
        raise UserError(f'{folder} is a {header.get("kind")}, not a {kind}.')
    columns = {
        name: map_npy(file.with_name(f'{name}.npy'), (length,))
        for name, length in header['lengths'].items()
    }
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
