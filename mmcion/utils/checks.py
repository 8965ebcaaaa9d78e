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
        problem = f'{user} needs a package: {error}; run: {install}'
        raise MissingPackageError(problem) from error


def check_choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Raise ``UserError`` unless a value is one of the choices."""
    if value not in choices:
        allowed = ', '.join(map(repr, choices))
        raise UserError(f'{name} must be one of {allowed}; got {value!r}.')


def check_at_least(low: float, **values: Any) -> None:
    """Raise ``UserError`` unless values are >= ``low``, integers if it is."""
    integer = isinstance(low, int)
    for name, value in values.items():
        if not _is_number(value, integer) or not value >= low:
            what = 'an integer' if integer else 'a number'
            raise UserError(f'{name} must be {what} >= {low}; got {value!r}.')


def check_interval(interval: str, **values: Any) -> None:
    """Raise ``UserError`` unless values are in, for example, ``'[0, 1)'``."""
    low, high = map(float, interval[1:-1].split(','))
    excluded = [low] * ('(' in interval) + [high] * (')' in interval)
    for name, value in values.items():
        inside = _is_number(value) and low <= value <= high
        if not inside or value in excluded:
            raise UserError(f'{name} must be in {interval}; got {value!r}.')


def _is_number(value: Any, integer: bool = False) -> bool:
    kind = Integral if integer else Real
    # a bool is an integer for Python
    return isinstance(value, kind) and not isinstance(value, bool)


def check_same_length(**columns: Any) -> None:
    """Raise ``UserError`` unless all columns, by name, are equally long."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ', '.join(f'{name} {n}' for name, n in lengths.items())
        raise UserError(f'lengths must be equal; got {listed}.')


def check_image_size(size: Any, name: str = 'image_size') -> tuple[int, int]:
    """Return height and width in pixels, or raise ``UserError``."""
    sides = list(size) if isinstance(size, Sequence) else []
    good = [side for side in sides if _is_number(side, True) and side > 0]
    if not len(good) == len(sides) == 2:
        raise UserError(f'{name} must be (H, W), integers > 0; got {size!r}.')
    return int(sides[0]), int(sides[1])


def check_columns(
    source: str | Path,
    found: Iterable[str],
    required: Sequence[str],
    hint: str = '',
) -> None:
    """Raise ``UserError`` unless a table has all required columns."""
    found = list(found)
    if missing := [name for name in required if name not in found]:
        raise UserError(
            f'{source}: column {join_names(missing)} is missing; found '
            f'{",".join(found) or "none"}. {hint}'.rstrip()
        )


def check_file(path: str | Path, what: str = 'file', hint: str = '') -> Path:
    """Return the path of an existing file, or raise ``FileNotFoundError``."""
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
    """Raise ``UserError`` if results exist that may not be replaced."""
    if Path(path).exists() and not overwrite:
        raise UserError(
            f'{path} exists already; see --overwrite, or rename it.'
        )


def check_device(device: Any) -> Any:
    """Return a ``torch.device``, or raise ``UserError`` if there is none."""
    import torch

    gpus = torch.cuda.device_count()
    try:
        found = torch.device(device)
        is_there = found.type != 'cuda' or (found.index or 0) < gpus
    except (RuntimeError, TypeError):
        is_there = False
    if not is_there:
        raise UserError(
            f'no device {device!r} here; use cpu, or cuda:N of {gpus} GPUs.'
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
