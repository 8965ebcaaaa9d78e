"""Run the command-line tools as a user does."""

import gc
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from multiprocessing import get_context, set_start_method
from pathlib import Path
from unittest.mock import patch

from mmengine.config import config
from mmengine.logging import MessageHub
from mmengine.runner import runner
from yapf.yapflib import yapf_api

# a run formats its config seven times and asks compilers for their versions,
# which takes longer than the training of a test
yapf_api.FormatCode = lambda text, **style: (text, True)
config.FormatCode = yapf_api.FormatCode  # mmengine 0.10.7 has it by now
runner.collect_env = dict

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / 'tools'


def run_tool(name, *arguments, cwd, timeout=300):
    """Run a tool in a fresh process until it ends.

    Args:
        name: Path of the tool below ``tools/``.
        arguments: Words of the command line, made to strings.
        cwd: Folder to run in.
        timeout: Seconds.

    Returns:
        ``subprocess.CompletedProcess`` with exit status and output.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / 'out', Path(folder) / 'err'
        process = start_tool(name, *arguments, cwd=cwd, out=out, err=err)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f'{name}: {out.read_text()}{err.read_text()}')
        return subprocess.CompletedProcess(
            [name, *arguments],
            process.exitcode,
            out.read_text(),
            err.read_text(),
        )


def start_tool(name, *arguments, cwd, out, err=None):
    """Start a tool in the background; return its ``multiprocessing.Process``.

    The process is forked from the server of ``tests/conftest.py``, which has
    imported the heavy packages, but nothing of mmcion.

    Args:
        name: Path of the tool below ``tools/``.
        arguments: Words of the command line, made to strings.
        cwd: Folder to run in.
        out: File for its output.
        err: File for its error output; ``out`` if not given.
    """
    words = [str(TOOLS / name), *map(str, arguments)]
    where = (str(cwd), dict(os.environ), str(out), str(err or out))
    process = get_context('forkserver').Process(
        target=_run_tool, args=(words, *where)
    )
    process.start()
    return process


def start_two_ranks(start, monkeypatch):
    """Start a tool twice, as torchrun does; return both processes.

    Args:
        start: Function that starts the tool for a rank, ``'0'`` or ``'1'``.
        monkeypatch: Fixture that sets what the processes inherit.
    """
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', str(free_port()))
    monkeypatch.setenv('WORLD_SIZE', '2')
    processes = []
    for rank in ('0', '1'):
        monkeypatch.setenv('RANK', rank)
        monkeypatch.setenv('LOCAL_RANK', rank)
        processes.append(start(rank))
    return processes


def free_port():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def _run_tool(words, cwd, environment, out, err):
    gc.freeze()  # what the server has imported is never garbage
    for number, path in ((1, out), (2, err)):
        with open(path, 'ab') as stream:
            os.dup2(stream.fileno(), number)
    # from here on, all is as in a process of the command line
    set_start_method(None, force=True)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    sys.path.insert(0, str(Path(words[0]).parent))
    runpy.run_path(words[0], run_name='__main__')


def call_main(name, *arguments):
    """Call a tool's ``main`` in this process, so that it raises its errors.

    Args:
        name: Path of the tool below ``tools/``.
        arguments: Words of the command line, made to strings.
    """
    # As a process of its own would: mmengine's hubs go by the name and the
    # second of a run, and hold the best score of another one of that second.
    MessageHub._instance_dict.clear()
    path = str(TOOLS / name)
    with patch.object(sys, 'argv', [path, *map(str, arguments)]):
        runpy.run_path(path)['main']()
