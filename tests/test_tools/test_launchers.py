"""The shell scripts that start ranks."""

import os
import re
import subprocess
import sys

import pytest

from tests.golden import DATA
from tests.tool_utils import (
    ROOT,
    TOOLS,
    free_port,
    start_tool,
    start_two_ranks,
)
from tests.training_utils import load, logged, train_options


def run(script, *arguments, cwd, **environment):
    """Call a script by its whole path, from another folder."""
    return subprocess.run(
        ['bash', str(TOOLS / script), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def stub(tmp_path):
    """Stand-in for a program, which prints its arguments one to a line."""
    path = tmp_path / 'bin' / 'srun'
    path.parent.mkdir()
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    'forked', [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_two_ranks_train_from_another_folder(
    crops, tmp_path, stub, monkeypatch, forked
):
    """Forked with what the script gives to torchrun, or by torchrun."""
    work_dir = tmp_path / 'work dir'
    config = tmp_path / 'mine.py'
    config.write_text(f'_base_ = {str(DATA / "tiny_train.py")!r}\n')
    options = {
        **train_options(crops, work_dir),
        'train_dataloader.batch_size': 4,
        'train_cfg.max_epochs': 1,
    }
    done = run(
        'dist_train.sh',
        'mine.py',
        2,
        '--work-dir',
        work_dir,
        '--cfg-options',
        *(f'{key}={value}' for key, value in options.items()),
        cwd=tmp_path,
        PYTHON=str(stub) if forked else sys.executable,
        PYTHONPATH=str(ROOT),
        PORT=str(free_port()),
    )
    assert done.returncode == 0, done.stderr
    if forked:
        words = done.stdout.split('\n')[:-1]
        first = words.index(str(TOOLS / 'train.py'))
        launch(words[first:], tmp_path, monkeypatch)
    checkpoint = load(work_dir, epoch=1)
    rates, times = (
        logged(checkpoint, name) for name in ('images_per_second', 'time')
    )
    assert rates[0] * times[0] == pytest.approx(2 * 4)


def launch(words, cwd, monkeypatch):
    """Start two ranks of a tool, and wait for them."""
    ranks = start_two_ranks(
        lambda rank: start_tool(*words, cwd=cwd, out=cwd / f'{rank}.log'),
        monkeypatch,
    )
    for rank, process in enumerate(ranks):
        process.join(300)
        assert process.exitcode == 0, (cwd / f'{rank}.log').read_text()


def test_nodes_of_a_run_get_the_address_of_the_first(tmp_path, stub):
    done = run(
        'dist_train.sh',
        'a b.py',
        8,
        '--resume',
        '--seed',
        1,
        cwd=tmp_path,
        PYTHON=str(stub),
        NNODES='2',
        NODE_RANK='1',
        MASTER_ADDR='first',
        PORT='123',
    )
    assert done.stdout.split('\n')[:-1] == [
        *('-m', 'torch.distributed.run', '--nnodes=2', '--node_rank=1'),
        *('--master_addr=first', '--master_port=123', '--nproc_per_node=8'),
        *(str(TOOLS / 'train.py'), 'a b.py', '--launcher', 'pytorch'),
        *('--resume', '--seed', '1'),
    ]


@pytest.mark.parametrize(
    ('gpus', 'per_node'), [({}, 8), ({'GPUS': '4'}, 4), ({'GPUS': '16'}, 8)]
)
def test_slurm_gets_the_number_of_gpus(tmp_path, stub, gpus, per_node):
    done = run(
        'slurm_train.sh',
        'gpu',
        'my job',
        'a.py',
        '--resume',
        cwd=tmp_path,
        PATH=f'{stub.parent}:{os.environ["PATH"]}',
        SRUN_ARGS='--quiet --time=9',
        **gpus,
    )
    got = done.stdout.split('\n')
    assert {'--job-name=my job', '--quiet', '--time=9'} <= set(got)
    assert f'--gres=gpu:{per_node}' in got
    assert f'--ntasks-per-node={per_node}' in got
    assert f'--ntasks={gpus.get("GPUS", 8)}' in got
    assert got[-7:-1] == [
        *('-u', str(TOOLS / 'train.py'), 'a.py', '--launcher', 'slurm'),
        '--resume',
    ]


@pytest.mark.parametrize(
    ('script', 'needed'),
    [
        ('dist_train.sh', 2),
        ('dist_test.sh', 3),
        ('slurm_train.sh', 3),
        ('slurm_test.sh', 4),
    ],
)
def test_missing_arguments_are_reported(tmp_path, script, needed):
    for count in range(needed):
        done = run(script, *['x'] * count, cwd=tmp_path)
        assert done.returncode != 0
        assert re.search(f'usage: {script} [A-Z]+', done.stderr)
