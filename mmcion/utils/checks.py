"""Checks of arguments and files, and the error that they raise.

Messages name the argument, the value that was given and what is allowed.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from pathlib import Path
from typing import Any

_MOST_NAMES = 5  # names that a message spells out before 'and N more'


class UserError(ValueError):
    """A mistake in the user's input: arguments, configs, files or data.

    Tools print its message as one line and exit. Every other exception keeps
    its traceback, so that a bug is never taken for a mistake of the user.
    """


@contextmanager
def name_in_errors(source: str | Path) -> Iterator[None]:
    """Begin the message of every ``UserError`` in the block with its file."""
    try:
        yield
    except UserError as error:
        raise UserError(f'{source}: {error}') from error


class MissingPackageError(UserError, ImportError):
    """An optional package is not installed."""


@contextmanager
def optional_import(user: str, install: str) -> Iterator[None]:
    """Raise ``MissingPackageError`` if an import in the block fails.

    Args:
        user: What needs the package.
        install: Command that installs it.
    """
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(
            f'{user} needs a package: {error}; run: {install}'
        ) from error


def check_choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Raise ``UserError`` unless a value is one of the choices."""
    if value not in choices:
        allowed = ', '.join(map(repr, choices))
        raise UserError(f'{name} must be one of {allowed}; got {value!r}.')


def check_at_least(low: float, **values: Any) -> None:
    """Raise ``UserError`` unless all values, by name, are at least ``low``.

    If ``low`` is an ``int``, so must the values be. NaN and bools are refused.
    """
    kind = Integral if isinstance(low, int) else Real
    for name, value in values.items():
        if not _is_number(value, kind) or not value >= low:
            what = 'an integer' if kind is Integral else 'a number'
            raise UserError(
                f'{name} must be {what} of at least {low}; got {value!r}.'
            )


def check_interval(interval: str, **values: Any) -> None:
    """Raise ``UserError`` unless all values, by name, are in an interval.

    NaN and bools are refused.

    Args:
        interval: Such as ``'[0, 1)'``: a square bracket includes the bound.
        values: Numbers by name.
    """
    low, high = map(float, interval[1:-1].split(','))
    for name, value in values.items():
        inside = (
            _is_number(value, Real)
            and low <= value <= high
            and not (interval[0] == '(' and value == low)
            and not (interval[-1] == ')' and value == high)
        )
        if not inside:
            raise UserError(f'{name} must be in {interval}; got {value!r}.')


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def check_same_length(**columns: Any) -> None:
    """Raise ``UserError`` unless all columns, by name, are equally long."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ', '.join(f'{name} {n}' for name, n in lengths.items())
        raise UserError(f'lengths must be equal; got {listed}.')


def check_image_size(size: Any, name: str = 'image_size') -> tuple[int, int]:
    """Return a height and a width in pixels.

    Raises:
        UserError: Unless ``size`` is two integers above 0.
    """
    sides = list(size) if isinstance(size, Sequence) else []
    if len(sides) != 2 or not all(
        _is_number(side, Integral) and side > 0 for side in sides
    ):
        raise UserError(
            f'{name} must be two positive integers (H, W); got {size!r}.'
        )
    return int(sides[0]), int(sides[1])


def check_columns(
    source: str | Path,
    found: Iterable[str],
    required: Sequence[str],
    *,
    optional: Sequence[str] | None = None,
    ignore: Collection[str] = (),
    hint: str = '',
) -> None:
    """Raise ``UserError`` unless a table has the right columns.

    Args:
        source: File of the table.
        found: Names in its header.
        required: Columns that must be there.
        optional: Further columns that may be there; None for any.
        ignore: Unknown columns that are no error.
        hint: What to do about unknown columns.
    """
    found = list(found)
    allowed = [*required, *(optional or ())]
    used = [name for name in found if name not in ignore]
    problems = {
        'is missing': [name for name in required if name not in found],
        'is there twice': [n for n in {*used} if used.count(n) > 1],
        'is unknown': []
        if optional is None
        else [name for name in used if name not in allowed],
    }
    wrong = [
        f'column {join_names(names)} {problem}'
        for problem, names in problems.items()
        if names
    ]
    if wrong:
        hint = hint if problems['is unknown'] else ''
        raise UserError(
            f'{source}: {", ".join(wrong)}; found '
            f'{",".join(found) or "none"}, expected '
            f'{",".join(allowed)}. {hint}'.rstrip()
        )


def check_file(path: str | Path, what: str = 'file', hint: str = '') -> Path:
    """Return the path of an existing file.

    Args:
        path: Path to check.
        what: Kind of file, for the message, such as ``'checkpoint'``.
        hint: What to do if it is missing.

    Raises:
        FileNotFoundError: If it is missing or a folder.
    """
    path = Path(path)
    if not path.is_file():
        state = 'is a folder' if path.is_dir() else 'does not exist'
        raise FileNotFoundError(f'{what} {path} {state}. {hint}'.rstrip())
    return path


def check_folder(
    path: str | Path, what: str = 'folder', hint: str = ''
) -> Path:
    """Return the path of an existing folder; see ``check_file``."""
    path = Path(path)
    if not path.is_dir():
        state = 'is a file' if path.exists() else 'does not exist'
        raise FileNotFoundError(f'{what} {path} {state}. {hint}'.rstrip())
    return path


def check_new(path: str | Path, *, overwrite: bool) -> None:
    """Raise ``UserError`` if results exist that may not be replaced.

    Call it before the work starts. Folders that can be resumed have a
    ``ResultFolder`` instead.
    """
    if Path(path).exists() and not overwrite:
        raise UserError(
            f'{path} exists already. Give a new name or --overwrite.'
        )


def check_device(device: Any) -> Any:
    """Return a ``torch.device``.

    Raises:
        UserError: If there is no such kind of device, or no such GPU here.
    """
    import torch

    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise UserError(
            f'device must be such as cpu or cuda:0; got {device!r}.'
        ) from error
    num_gpus = torch.cuda.device_count()
    if found.type == 'cuda' and (found.index or 0) >= num_gpus:
        raise UserError(
            f'device {device}: there are {num_gpus} GPUs here; use cpu.'
        )
    return found


def suggest(name: str, names: Iterable[str]) -> str:
    """Return ``' (did you mean x?)'`` for the nearest name, or ``''``."""
    nearest = difflib.get_close_matches(name, list(names), 1, 0.6)
    return f' (did you mean {nearest[0]}?)' if nearest else ''


def join_names(names: Iterable[Any], most: int = _MOST_NAMES) -> str:
    """Return names separated by commas, ``'a, b and 3 more'`` if many."""
    names = [str(name) for name in names]
    if len(names) <= most:
        return ', '.join(names)
    return f'{", ".join(names[:most])} and {len(names) - most} more'
