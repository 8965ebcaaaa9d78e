"""A chain of commands that continues where it was stopped."""

from __future__ import annotations

import ctypes
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checks import UserError
from .io import hash_file, hash_value, read_json, write_json


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
    """

    def __init__(
        self, work_dir: Path, inputs: Any = None, *, replace: bool = False
    ) -> None:
        self.records = work_dir / 'steps'
        self.replace = replace
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
        shown = 'python ' + shlex.join(command)
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
        result = subprocess.run(
            [sys.executable, *command], preexec_fn=die_with_parent
        )
        seconds = round(time.monotonic() - began, 1)
        if not result.returncode:
            state = {'key': self.key, 'done': True, 'seconds': seconds}
            write_json(record, {**state, 'command': shown})
            print(f'{step.name}: {seconds:.0f} s', flush=True)
        elif step.otherwise:
            print(step.otherwise, flush=True)
        else:
            raise UserError(
                f'{step.name} failed with status {result.returncode}. Fix the '
                f'cause and run the same command again: finished steps are '
                f'kept.'
            )

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


def hash_code(root: Path) -> str:
    """Return a hash of all code that the commands run."""
    code = [
        path
        for folder in ('mmcion', 'configs', 'tools')
        for path in sorted((root / folder).rglob('*.py'))
    ]
    return hash_value([(path.name, hash_file(path)) for path in code])


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it is killed.

    Otherwise a step would continue alone and write to the next run's files.
    """
    if sys.platform == 'linux':
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
