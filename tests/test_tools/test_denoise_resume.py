"""A killed run goes on, and two ranks write the same files."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from mmcion.structures import TrackletTable
from mmcion.testing import NoiseModel

from ..tool_utils import ROOT, start_tool, start_two_ranks

CONFIG = ROOT / 'configs' / 'denoise' / 'three-levels_auto.py'
# the tool, with chunks so small that every stage has many
SMALL_CHUNKS = f"""
import runpy
import mmcion.denoising.grouped_rows as grouped_rows
grouped_rows.CHUNK_ROWS = 100
runpy.run_path({str(ROOT / 'tools' / 'denoise.py')!r}, run_name='__main__')
"""
CHUNKS = [
    '01_SingleTrackletDenoiser.*/*consistency_000020.npz',
    '02_SingleVideoDenoiser.*/*videos_000010.npz',
    '03_CrossVideoDenoiser.*/*propose_000010.npz',
]
OTHERS = [
    '01_SingleTrackletDenoiser.npz',
    '02_SingleVideoDenoiser.*/*videos_000000.npz',
    '02_SingleVideoDenoiser.npz',
    '03_CrossVideoDenoiser.*/*links_000000.npz',
    '03_CrossVideoDenoiser.*/*consistency_000000.npz',
    '03_CrossVideoDenoiser.*/*consistency_000100.npz',
    '03_CrossVideoDenoiser.*/*accept_000000.npz',
    '03_CrossVideoDenoiser.json',
    '03_CrossVideoDenoiser.npz',
    '../identity.npy',
    '../annotation',
    '../cion_annos.json',
]


@pytest.fixture(scope='module')
def work(tmp_path_factory):
    """Folder with table, features and ``whole``, an uninterrupted run."""
    folder = tmp_path_factory.mktemp('work')
    made = NoiseModel(videos=60, dim=32).simulate(0, folder=folder / 'feats')
    TrackletTable.from_columns(
        video_id=made.table.video_id,
        tracklet_id=made.table.tracklet_id,
        frame=made.table.frame,
        path=[f'{row}.jpg' for row in range(len(made.table))],
    ).save(folder / 'table')
    (folder / 'denoise.py').write_text(SMALL_CHUNKS)
    finish(start(folder, 'whole'))
    return folder


def start(work, out, *options, tool=None):
    """Start the tool in the background, by default with small chunks."""
    return start_tool(
        *(tool or work / 'denoise.py', CONFIG, '--out', out),
        *('--table', 'table', '--features', 'feats', *options),
        *('--cfg-options', 'self_check.folds=1'),  # one run more, not five
        cwd=work,
        out=work / f'{out}.log',
    )


def finish(process):
    process.join(300)
    assert process.exitcode == 0


def kill_when(process, found):
    """Kill a process with SIGKILL at once when ``found`` is true."""
    while process.exitcode is None:
        if found():
            process.kill()
    assert process.exitcode == -9  # it was not through before


def appears(stages, pattern):
    """Return a function: whether a matching file exists."""
    return lambda: any(stages.glob(pattern))


def results(out: Path):
    """Return what must not depend on interruptions and ranks."""
    files = [
        out / 'identity.npy',
        out / 'cion_annos.json',
        *sorted((out / 'annotation').glob('*.npy')),
        *sorted((out / 'stages').glob('*.npz')),
    ]
    # 3 columns; 3 levels and the self-check
    assert len(files) == 2 + 3 + 4
    return {str(file.relative_to(out)): file.read_bytes() for file in files}


def report(out: Path):
    found = json.loads((out / 'report.json').read_text())
    for level in found['levels']:
        level.pop('seconds', None)
    return found


def assert_same(work, out):
    ours, whole = results(work / out), results(work / 'whole')
    assert ours.keys() == whole.keys()
    for name, content in whole.items():
        assert ours[name] == content, name
    assert report(work / out) == report(work / 'whole')
    left = list((work / out / 'stages').iterdir())
    assert not [path for path in left if path.is_dir()]  # no chunks


def kill_in(work, out, patterns):
    """Kill a run once per pattern, go on each time, and let it end."""
    stages = work / out / 'stages'
    for pattern in patterns:
        process = start(work, out)
        kill_when(process, appears(stages, pattern))
        stage = pattern.split('.')[0]
        if '/*' in pattern:  # in the middle of its chunks
            assert not (stages / f'{stage}.npz').exists()
    finish(start(work, out))
    assert_same(work, out)


@pytest.mark.slow
def test_killed_in_every_stage_then_the_same_bytes(work):
    identity = np.load(work / 'whole' / 'identity.npy')
    assert 0.5 < (identity >= 0).mean() < 1
    kill_in(work, 'killed', CHUNKS)


@pytest.mark.slow
def test_killed_at_every_kind_of_file_then_the_same_bytes(work):
    kill_in(work, 'killed_often', OTHERS)


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(3))
def test_killed_at_random_times_then_the_same_bytes(work, seed):
    out, rng = f'random_{seed}', np.random.default_rng(seed)
    log = work / f'{out}.log'
    for _ in range(4):
        log.write_text('')
        process = start(work, out)
        while 'calibrated on' not in log.read_text():
            assert process.exitcode is None
        end = time.monotonic() + rng.uniform(0, 0.5)
        kill_when(process, lambda end=end: time.monotonic() > end)
    finish(start(work, out))
    assert_same(work, out)


def test_two_ranks_of_a_launcher_write_the_same_files(work, monkeypatch):
    options = ('--launcher', 'pytorch')
    processes = start_two_ranks(
        lambda rank: start(work, 'ranks', *options, tool='denoise.py'),
        monkeypatch,
    )
    for process in processes:
        finish(process)
    assert_same(work, 'ranks')
