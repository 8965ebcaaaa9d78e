"""Ranks share the videos, and any number of them gives the same table."""

import json
import os
import signal
import subprocess
import sys

import pytest
from torch.multiprocessing.spawn import ProcessException

from mmcion.registry import DETECTORS
from mmcion.video import TrackletExtractor
from mmcion.video.detectors import BoxFileDetector

from ..dist_utils import run_on_ranks
from ..tool_utils import ROOT, TOOLS
from .conftest import files, write_boxes


@DETECTORS.register_module()
class RankDetector(BoxFileDetector):
    """Keeps the names of videos that it has seen; dies in one of them."""

    seen: list = []  # noqa: RUF012
    victim = ''

    def open_video(self, video):
        super().open_video(video)
        self.name = f'{video.parent.name}+{video.stem}'

    def detect(self, image, frame):
        if frame == 0:
            self.seen.append(self.name)
        if frame == 20 and self.name == self.victim:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().detect(image, frame)


def extract(folder, out, victim=''):
    """Return the videos that this rank has seen, and the fingerprint."""
    RankDetector.victim = victim
    extractor = TrackletExtractor(
        {'type': 'RankDetector'}, {'type': 'GivenIds'}
    )
    table = extractor.run([folder], out)
    return RankDetector.seen, table.fingerprint()


def errors(out):
    reports = json.loads((out / 'videos.json').read_text())
    return {r['name']: r['error'] for r in reports if 'error' in r}


@pytest.fixture
def four_videos(three_videos):
    """Videos, the last and smallest of which cannot be read."""
    (three_videos / 'text.avi').write_text('hello')
    write_boxes(three_videos / 'text.csv')
    return three_videos


def test_a_killed_rank_resumes_to_the_table_of_one_process(
    four_videos, tmp_path
):
    out, plain = tmp_path / 'out', tmp_path / 'plain'
    with pytest.raises(ProcessException):  # of either rank
        run_on_ranks(extract, four_videos, out, 'videos+b')
    assert not (out / 'table').exists()
    finished = {path.name for path in (out / 'videos').glob('[!.]*')}
    assert 'b' not in finished

    (first, table), (second, same) = run_on_ranks(extract, four_videos, out)

    names = {'a': 'videos+a', 'b': 'videos+b', 'sub+a': 'sub+a'}
    assert sorted(first + second) == sorted(
        seen for name, seen in names.items() if name not in finished
    )
    assert table == same == extract(four_videos, plain)[1]
    assert files(out) == files(plain)
    assert errors(out) == errors(plain)
    assert 'text.avi is damaged' in errors(out)['text']


def test_all_ranks_know_that_nothing_can_be_read(tmp_path):
    (tmp_path / 'text.avi').write_text('hello')
    write_boxes(tmp_path / 'text.csv')
    with pytest.raises(ProcessException, match='none of 1 videos can be read'):
        run_on_ranks(extract, tmp_path, tmp_path / 'out')


@pytest.mark.parametrize(
    'world_size', [1, 3, pytest.param(5, marks=pytest.mark.slow)]
)
def test_any_number_of_ranks(four_videos, tmp_path, world_size):
    results = run_on_ranks(
        extract, four_videos, tmp_path / 'ranks', world_size=world_size
    )

    extract(four_videos, tmp_path / 'plain')
    assert files(tmp_path / 'ranks') == files(tmp_path / 'plain')
    # dealt in turn, the largest first; the last one cannot be read
    names = ['videos+a', 'videos+b', 'sub+a']
    assert [seen for seen, _ in results] == [
        names[rank::world_size] for rank in range(world_size)
    ]


@pytest.mark.slow
def test_tool_by_torchrun_with_workers(four_videos, tmp_path):
    command = (
        *(sys.executable, '-m', 'torch.distributed.run', '--standalone'),
        *('--nproc-per-node', '2', TOOLS / 'extract_tracklets.py'),
        *(four_videos, '--detector', 'boxes', '--launcher', 'pytorch'),
        *('--workers', '2', '--out', 'out'),
    )
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert 'Left out text' in done.stdout  # by the second rank
    extract(four_videos, tmp_path / 'plain')
    assert files(tmp_path / 'out') == files(tmp_path / 'plain')
