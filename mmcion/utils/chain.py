"""A chain of commands that continues where it was stopped.

The output of each command goes to a log file; what is shown is the command,
its progress and its last line.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checks import UserError
from .io import hash_file, hash_value, read_json, write_json
from .packaged import show_command

_TAIL = 20  # lines of the log of a failed step that are shown
# what tqdm and mmengine's log of a training write
_BAR = re.compile(r'\d+%\|[^|]*\| *(\S+/\S+ \[[^]]*\])')
_EPOCH = re.compile(
    r'Epoch\(train\) +\[(\d+)\]\[ *(\d+/\d+)\].* eta: (.*?)  .* loss: (\S+)'
)
_LOG_PREFIX = re.compile(r'^[\d/]+ [\d:]+ - mmengine - [A-Z]+ - ')


@dataclass
class Step:
    """One command of the chain.

    Attributes:
        name: Name in the output and of the record of the step.
        command: Arguments of ``python``.
        output: File or folder that the command writes.
        otherwise: What happens if the command fails; empty if the chain
            cannot continue without it.
    """

    name: str
    command: list[Any]
    output: Path
    otherwise: str = ''


class Chain:
    """Runs steps in order, once each.

    A step is done when its command, all steps before it and the inputs are
    the same as when it finished. A finished folder of another command is
    never replaced.

    Args:
        work_dir: Folder of all output; records are in ``<work_dir>/steps``.
        inputs: What results depend on beside the commands, as a JSON-like
            value.
        replace: Whether what was made of other inputs, or after other steps,
            is deleted and made again; it is refused otherwise.
        verbose: Whether the output of the commands is shown, too.

    Attributes:
        logs: Folder with the output of every step.
    """

    def __init__(
        self,
        work_dir: Path,
        inputs: Any = None,
        *,
        replace: bool = False,
        verbose: bool = False,
    ) -> None:
        self.records = work_dir / 'steps'
        self.logs = work_dir / 'logs'
        self.replace = replace
        self.verbose = verbose
        self.commands: list[str] = []
        self.key = hash_value(inputs)

    def run(self, step: Step) -> None:
        """Run a step unless it is done.

        Raises:
            UserError: If the command fails, and must not, or the work dir
                has results that must not be replaced.
        """
        # the key covers the inputs, this command and all commands before it
        command = [str(argument) for argument in step.command]
        shown = show_command(command)
        self.commands.append(shown)
        self.key = hash_value([self.key, command])
        record = self.records / f'{step.name}.json'
        state = read_json(record) if record.exists() else {}
        same = state.get('key') == self.key
        print(f'\n=== {step.name}\n$ {shown}', flush=True)
        if same and state['done'] and step.output.exists():
            print('done before', flush=True)
            return
        if state and not same:
            self._check_replaceable(step, state, shown)
        # same key, not done: the command resumes from what it has written
        if not same and step.output.is_dir():
            shutil.rmtree(step.output)
        elif not same:
            step.output.unlink(missing_ok=True)
        write_json(record, {'key': self.key, 'done': False})
        began = time.monotonic()
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f'{step.name}.log'
        status = run_logged(command, log, verbose=self.verbose)
        seconds = round(time.monotonic() - began, 1)
        lines = last_lines(log)
        if status and not step.otherwise:
            # the message of a tool says all; a traceback has several lines
            known = lines and lines[-1].startswith('error: ')
            end = '\n'.join(lines[-1:] if known else lines)
            raise UserError(
                f'{step.name} failed with status {status}; the end of its '
                f'output, which is in {log}:\n\n{end}\n\nFix the cause '
                f'and run the same command again: finished steps are kept.'
            )
        if lines and not self.verbose:
            print(lines[-1])
        if status:
            print(step.otherwise, flush=True)
            return
        state = {'key': self.key, 'done': True, 'seconds': seconds}
        write_json(record, {**state, 'command': shown})
        print(f'{step.name}: {seconds:.0f} s', flush=True)

    def _check_replaceable(
        self, step: Step, state: dict[str, Any], shown: str
    ) -> None:
        """Raise if what a step wrote under another key must stay."""
        if not step.output.is_dir():
            return
        earlier = state.get('command', shown)
        if state['done'] and earlier != shown:
            raise UserError(
                f'{step.output} has results of another command: {earlier}. '
                f'Give a new --work-dir.'
            )
        if not self.replace:
            raise UserError(
                f'{step.output} has results of other inputs or settings. '
                f'Give a new --work-dir.'
            )


class _Progress:
    """Shows the newest progress in an output, in place on a terminal."""

    def __init__(self) -> None:
        self.interactive = sys.stdout.isatty()
        # a line every half minute elsewhere, so logs stay readable
        self.interval = 0 if self.interactive else 30
        self.next = time.monotonic() + self.interval

    def show(self, output: str) -> None:
        """Take the output that is new."""
        now = time.monotonic()
        if now < self.next or not (text := read_progress(output)):
            return
        self.next = now + self.interval
        start, end = ('\r', '\x1b[K') if self.interactive else ('', '\n')
        print(f'{start}  {text}', end=end, flush=True)

    def close(self) -> None:
        """Leave an empty line to write on."""
        if self.interactive:
            print('\r\x1b[K', end='', flush=True)


def read_progress(output: str) -> str:
    """Return the last progress in an output; empty if there is none."""
    text = ''
    for line in re.split(r'[\r\n]+', output):
        if bar := _BAR.search(line):
            # without a time left, a bar has just begun
            text = text if '<?' in bar[1] else bar[1]
        elif found := _EPOCH.search(line):
            epoch, step, eta, loss = found.groups()
            text = f'epoch {epoch}, step {step}, eta {eta}, loss {loss}'
    return text


def run_logged(words: list[str], log: Path, *, verbose: bool = False) -> int:
    """Run a command, show its progress, and return its status.

    Args:
        words: Arguments of ``python``.
        log: File for the output.
        verbose: Whether to show the output instead of the progress.
    """
    progress = _Progress()
    with (
        log.open('wb') as stream,
        log.open(encoding='utf-8', errors='replace', newline='') as reader,
        subprocess.Popen(
            [sys.executable, *words],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'PYTHONUNBUFFERED': '1'},
            preexec_fn=die_with_parent,
        ) as process,
    ):
        try:
            status = None
            while status is None:
                with suppress(subprocess.TimeoutExpired):
                    status = process.wait(timeout=0.5)
                if verbose:
                    print(reader.read(), end='', flush=True)
                else:
                    progress.show(reader.read())
        except BaseException:
            process.kill()
            raise
        finally:
            progress.close()
    return status


def last_lines(log: Path) -> list[str]:
    """Return the end of a log, without progress bars and log prefixes."""
    text = log.read_bytes()[-10_000:].decode(errors='replace')
    lines = [
        line
        for line in re.split(r'[\r\n]+', text)
        if line.strip() and not _BAR.search(line)
    ]
    return [_LOG_PREFIX.sub('', line) for line in lines[-_TAIL:]]


def hash_code(*folders: Path) -> str:
    """Return a hash of all code in folders."""
    code = [
        path for folder in folders for path in sorted(folder.rglob('*.py'))
    ]
    return hash_value([(path.name, hash_file(path)) for path in code])


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it is killed.

    Otherwise a step would continue alone and write to the next run's files.
    """
    if sys.platform == 'linux':
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
