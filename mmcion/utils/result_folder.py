"""ResultFolder: one rule for results that exist already.

A tool that writes a folder puts a record, ``run.json``, into it: the kind of
the results, their settings and inputs, whether they are complete. The next run
into this folder compares:

==================================  =========================================
content of the folder               what happens
==================================  =========================================
nothing, or an empty folder         written from the start
incomplete, of the same settings    resumed
complete, of the same settings      reused: ``is_complete`` is True
of other settings or inputs         error that names the differences
files without a record              error, also with ``overwrite``
==================================  =========================================

``overwrite`` starts over. Complete results stay until the new ones are
complete, too, and take their place; a killed run with ``overwrite`` resumes.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from socket import gethostname
from typing import Any, TextIO, TypeVar

from mmengine.dist import barrier, broadcast_object_list, is_main_process

from .checks import UserError, join_names
from .io import hash_value, read_json, write_json

T = TypeVar('T')

RECORD = 'run.json'
_VERSION = 1  # of the record; raise it when old ones cannot be compared
_RECORD_FORM = {
    'kind': str,
    'settings': dict[str, Any],
    'inputs': dict[str, Any],
    'complete': bool,
}
_LONGEST = 200  # characters of a setting; longer ones are recorded as a hash


class State(enum.Enum):
    """What a folder holds, compared with the results that are wanted."""

    ABSENT = 'absent'
    INCOMPLETE = 'incomplete'
    COMPLETE = 'complete'
    OTHER = 'other'
    UNKNOWN = 'unknown'


class ResultFolder:
    """A folder of results, being written or complete already.

    Use it as a context manager, on all ranks together; a lock keeps a second
    run out of the folder meanwhile::

        with ResultFolder(out, 'features', settings=settings) as results:
            if not results.is_complete:
                write(results.path)  # resuming from what is there
                results.finish()
        read(out)

    Args:
        out: Folder of the results.
        kind: Kind of results, such as ``'features'``.
        settings: Values that the results depend on.
        inputs: Fingerprints of the inputs by name.
        overwrite: Whether to replace existing results.

    Attributes:
        path: Folder to write: ``out``, or one that replaces it at the end.
        is_complete: Whether the results exist already.

    Raises:
        UserError: If ``out`` is a file; on entering, if it holds something
            else or another run is writing to it.
    """

    def __init__(
        self,
        out: str | Path,
        kind: str,
        *,
        settings: Mapping[str, Any],
        inputs: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.out = self.path = Path(out)
        if self.out.is_symlink():  # it stays, its target may be replaced
            self.out = self.path = self.out.resolve()
        if self.out.is_file():
            raise UserError(f'{out} is a file; give a folder to write to.')
        self.overwrite = overwrite
        self.record = {
            'version': _VERSION,
            'kind': kind,
            'settings': _recorded(settings),
            'inputs': dict(inputs or {}),
        }
        self.is_complete = False
        self._lock: TextIO | None = None

    def __enter__(self) -> ResultFolder:
        try:
            self.path, self.is_complete = on_main(self._begin)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            _beside(self.out, 'lock').unlink(missing_ok=True)
            self._lock.close()

    def state(self, folder: str | Path) -> State:
        """Return what a folder holds."""
        folder = Path(folder)
        is_empty = not folder.exists() or all(
            path.name == RECORD or _is_left_over(path)
            for path in folder.iterdir()
        )
        found = _read_record(folder)
        if is_empty and not found.get('complete'):
            return State.ABSENT  # maybe after a run that failed at once
        if not found:
            return State.UNKNOWN
        if _differences(found, self.record):
            return State.OTHER
        return State.COMPLETE if found['complete'] else State.INCOMPLETE

    def finish(self) -> None:
        """Declare the results complete; they are in ``out`` afterwards.

        Call it on all ranks, each after it has written its partition.
        """
        barrier()
        on_main(self._finish)
        self.path, self.is_complete = self.out, True

    def _begin(self) -> tuple[Path, bool]:
        """Lock ``out``; return ``path`` and ``is_complete``."""
        out, new = self.out, _beside(self.out, 'new')
        state = self.state(out)
        # to read what is there needs no lock
        if state is State.COMPLETE and not self.overwrite:
            _remove_left_overs(out)
        else:
            self._lock = _lock(out)
            if _beside(out, 'old').exists():  # killed between two renames
                _exchange(out)
            state = self.state(out)
        if state is State.COMPLETE and not self.overwrite:
            return out, True
        if state is State.UNKNOWN:
            raise UserError(f'{out} has files but no {RECORD}; give another.')
        found = _read_record(out)
        if state is State.OTHER and not self.overwrite:
            names = join_names(_differences(found, self.record), most=3)
            status = 'complete' if found['complete'] else 'unfinished'
            raise UserError(
                f'{out} has {status} {found["kind"]} of other settings or '
                f'inputs: {names}. Give a new folder or --overwrite.'
            )
        # only complete results are kept until there are new ones
        path = new if found.get('complete') else out
        if path == new and self.state(new) is State.COMPLETE:
            _exchange(out)  # killed before the first rename
            return out, True
        if self.state(path) not in (State.INCOMPLETE, State.ABSENT):
            # renamed first: half deleted, it would have no record
            shutil.rmtree(_beside(out, 'trash'), ignore_errors=True)
            os.replace(path, _beside(out, 'trash'))
        shutil.rmtree(_beside(out, 'trash'), ignore_errors=True)
        # of whatever process: there is no other now
        for left_over in [*path.glob('.*.tmp'), *path.glob('*/.*.tmp')]:
            remove = shutil.rmtree if left_over.is_dir() else os.unlink
            remove(left_over)
        write_json(path / RECORD, {**self.record, 'complete': False})
        return path, False

    def _finish(self) -> None:
        write_json(self.path / RECORD, {**self.record, 'complete': True})
        if self.path != self.out:
            _exchange(self.out)


def _exchange(out: Path) -> None:
    """Replace old results by new; called again, it finishes after a kill."""
    new, old = _beside(out, 'new'), _beside(out, 'old')
    if not old.exists():
        os.replace(out, old)
    if not out.exists():
        os.replace(new, out)
    shutil.rmtree(old)


def _read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a folder, empty if it has none of ours."""
    file = folder / RECORD
    return read_json(file, _RECORD_FORM) if file.is_file() else {}


def _is_left_over(path: Path) -> bool:
    """Return whether a process was killed before it renamed this file."""
    return path.name.startswith('.') and path.suffix == '.tmp'


def _beside(out: Path, suffix: str) -> Path:
    out = out.absolute()  # the current folder has no name
    return out.with_name(f'.{out.name}.{suffix}')


def _remove_left_overs(out: Path) -> None:
    """Remove what a run left that was killed when its results were there."""
    if any(_beside(out, x).exists() for x in ('lock', 'old', 'trash')):
        # another run may be replacing the results
        with contextlib.suppress(UserError, OSError), _lock(out):
            for suffix in ('old', 'trash'):
                shutil.rmtree(_beside(out, suffix), ignore_errors=True)
            _beside(out, 'lock').unlink()


def _lock(out: Path) -> TextIO:
    """Lock a folder until the returned file is closed or the process ends."""
    path = _beside(out, 'lock')
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = open(path, 'a+')  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read(_LONGEST) or 'another process'
            file.close()
            raise UserError(f'{out} is in use by {owner}; wait.') from None
        except OSError:
            pass  # some network file systems have no locks
        # its last owner may have removed the file before it was locked
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(file.fileno())):
                file.truncate(0)
                file.write(f'process {os.getpid()} on {gethostname()}')
                file.flush()
                return file
        file.close()


def _recorded(value: Any) -> Any:
    """Return what JSON makes of a value, and a hash if that is long."""
    if isinstance(value, Mapping):
        return {str(name): _recorded(item) for name, item in value.items()}
    text = json.dumps(value, sort_keys=True, default=str)
    return json.loads(text) if len(text) <= _LONGEST else hash_value(value)


def _differences(
    found: Mapping[str, Any], now: Mapping[str, Any]
) -> list[str]:
    """Return the entries of two records that differ, with both values."""
    old, new = (dict(_entries(record)) for record in (found, now))
    return [
        f'{name} was {old.get(name, "missing")}, is {new.get(name, "missing")}'
        for name in sorted({**old, **new})
        if old.get(name) != new.get(name) and name != 'complete'
    ]


def _entries(value: Any, name: str = '') -> Iterator[tuple[str, str]]:
    """Yield the leaves of nested dictionaries by their dotted names."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entries(item, f'{name}.{key}'.lstrip('.'))
    else:
        yield name, json.dumps(value)


def on_main(function: Callable[[], T]) -> T:
    """Call a function on rank 0; its result or error is that of all."""
    outcome: list[Any] = [None, None]
    if is_main_process():
        try:
            outcome[0] = function()
        except Exception as error:
            outcome[1] = error
    broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]
