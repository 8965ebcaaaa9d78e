import multiprocessing
import os
import shutil
import threading
from pathlib import Path

import cv2
import pytest
import torch

from mmcion.registry import DETECTORS
from mmcion.utils.checks import UserError
from mmcion.video import TrackletExtractor
from mmcion.video.crops import CropSettings
from mmcion.video.detectors import BoxFileDetector
from mmcion.video.video_extractor import VideoExtractor
from mmcion.video.video_files import VideoFile, find_videos
from mmcion.video.video_workers import extract_videos

from .conftest import files

BOXES = {'type': 'BoxFileDetector'}
IDS = {'type': 'GivenIds'}


@DETECTORS.register_module()
class OwnDetector(BoxFileDetector):
    """Stands for one that a user registers in a module of their own."""


def test_two_processes_give_the_same(three_videos, tmp_path):
    extractor = TrackletExtractor({'type': 'OwnDetector'}, IDS, clips=2)

    extractor.run([three_videos], tmp_path / 'one')
    extractor.run([three_videos], tmp_path / 'two', workers=2)

    assert files(tmp_path / 'one') == files(tmp_path / 'two')


@pytest.fixture
def quick_processes(monkeypatch):
    """Fork workers from a server that has imported OpenCV and others."""
    context = multiprocessing.get_context('forkserver')
    monkeypatch.setattr(multiprocessing, 'get_context', lambda kind: context)


def test_frames_are_counted_and_failures_returned(walk, tmp_path):
    text = tmp_path / 'text.avi'
    text.write_text('hello')
    videos = [*find_videos([walk]), VideoFile('text', text)]
    advanced = []

    results = dict(
        extract_videos(
            VideoExtractor(BOXES, IDS, CropSettings(), tmp_path / 'out'),
            videos,
            workers=1,
            advance=advanced.append,
        )
    )

    good, bad = (results[video] for video in videos)
    assert sum(advanced) == 30
    assert len(good.columns['frame']) == 60
    assert isinstance(bad, UserError)
    assert 'text.avi' in str(bad)


@DETECTORS.register_module()
class CrashingDetector(BoxFileDetector):
    """Ends the process that looks at a frame."""

    def detect(self, image, frame):
        os._exit(1)


@pytest.mark.usefixtures('quick_processes')
def test_a_dead_process_is_reported(three_videos, tmp_path):
    videos = find_videos([three_videos])
    detector = {'type': 'CrashingDetector'}
    extractor = VideoExtractor(detector, IDS, CropSettings(), tmp_path)

    with pytest.raises(ChildProcessError, match='crashed it. Use fewer'):
        list(extract_videos(extractor, videos, workers=2, advance=print))


@DETECTORS.register_module()
class CountingDetector(BoxFileDetector):
    """Leaves the number of threads that it may use beside the video."""

    def open_video(self, video):
        super().open_video(video)
        threads = f'{torch.get_num_threads()} {cv2.getNumThreads()}'
        video.with_suffix('.threads').write_text(threads)


@pytest.mark.usefixtures('quick_processes')
def test_processes_share_the_threads(three_videos, tmp_path):
    torch.set_num_threads(5)
    detector = {'type': 'CountingDetector'}
    extractor = VideoExtractor(detector, IDS, CropSettings(), tmp_path / 'o')
    videos = find_videos([three_videos])

    list(extract_videos(extractor, videos, workers=2, advance=id))

    found = [p.read_text() for p in three_videos.rglob('*.threads')]
    assert found == ['2 2'] * 3


@DETECTORS.register_module()
class HangingDetector(BoxFileDetector):
    """Says that it has a frame, and never returns from it."""

    def detect(self, image, frame):
        (Path(self.boxes) / f'{os.getpid()}.pid').touch()
        threading.Event().wait()


@pytest.mark.usefixtures('quick_processes')
def test_workers_end_with_a_run_that_is_stopped(three_videos, tmp_path):
    for path in [*three_videos.glob('*.csv'), *three_videos.glob('sub/*.csv')]:
        shutil.copy(path, tmp_path)
    detector = {'type': 'HangingDetector', 'boxes': str(tmp_path)}
    extractor = VideoExtractor(detector, IDS, CropSettings(), tmp_path / 'out')

    def stop_when_started(num_frames):
        if len(list(tmp_path.glob('*.pid'))) == 2:
            raise SystemExit(143)  # as a handler of SIGTERM

    with pytest.raises(SystemExit):
        list(
            extract_videos(
                extractor,
                find_videos([three_videos]),
                workers=2,
                advance=stop_when_started,
            )
        )

    for path in tmp_path.glob('*.pid'):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.stem), 0)
