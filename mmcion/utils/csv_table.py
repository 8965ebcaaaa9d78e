"""Read tables that people write: CSV with a header."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from .checks import UserError, check_columns, check_file, join_names
from .io import open_text


def read_csv_rows(
    file: str | Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    ignore: Collection[str] = (),
    what: str = 'table',
    hint: str = '',
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield the line number and the values of every row.

    Columns may be in any order, with blanks after commas; empty lines are
    skipped. A misspelt or repeated column would change a result silently.

    Args:
        file: UTF-8, separated by commas.
        required: Columns that must be there, at least two.
        optional: Columns that may be there.
        ignore: Further columns that may be there, which are not read.
        what: What the file is, for messages.
        hint: How to correct or get such a file, for messages.

    Yields:
        Line, and text of ``required`` and ``optional``, None for an optional
        column that is not there.

    Raises:
        UserError: If columns or the length of a row are wrong.
    """
    file = check_file(file, what, hint)
    with open_text(file) as stream:
        # strict: a quote that is never closed would swallow other lines
        lines = csv.reader(stream, skipinitialspace=True, strict=True)
        try:
            header = [name.strip() for name in next(lines, [])]
            advice = f'Columns are separated by commas. {hint}'
            check_columns(file, header, required, advice)
            width, names = len(header), (*required, *optional)
            # the place after the last one holds None
            where = {name: place for place, name in enumerate(header)}
            used = [name for name in header if name not in ignore]
            once = {name for name in names if used.count(name) == 1}
            if wrong := join_names(sorted({*used} - once)):
                raise UserError(
                    f'{file}: column {wrong} is unknown or there twice; '
                    f'expected {",".join(names)}. {advice}'.rstrip()
                )
            pick = itemgetter(*(where.get(name, width) for name in names))
            for values in lines:
                if len(values) == width:
                    values.append(None)  # type: ignore[arg-type]
                    yield lines.line_num, pick(values)
                elif ''.join(values).strip():
                    raise csv.Error(
                        f'{len(values)} values of {width} columns: '
                        f'{",".join(header)}'
                    )
        except csv.Error as error:
            line = f'{file} line {lines.line_num}'
            raise UserError(f'{line}: {error}.') from error
