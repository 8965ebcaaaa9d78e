import itertools
import threading

import numpy as np
import pytest
import torch

from mmcion.video import Detections, VideoReader
from mmcion.video.detection_threads import detect_frames
from mmcion.video.detectors import BaseDetector

SECONDS = 60


class ShadeDetector(BaseDetector):
    """One box, whose score is the shade of the image; keeps its calls."""

    def __init__(self, *, thread_safe=False, batch_size=1):
        self.thread_safe = thread_safe
        self.batch_size = batch_size
        self.batches = []

    def detect(self, image, frame):
        return Detections([[0, 0, 9, 9]], [image[0, 0, 0]])

    def detect_batch(self, images, frames):
        self.batches.append(list(frames))
        return super().detect_batch(images, frames)


def shades(count):
    """Frames whose indices have a gap, as after a broken frame."""
    for number in range(count):
        yield number + (number > 4), np.full((9, 9, 3), number, np.uint8)


def check_order(found, count):
    assert [index for index, _, _ in found] == [i for i, _ in shades(count)]
    for number, (_, image, boxes) in enumerate(found):
        assert image[0, 0, 0] == boxes.scores[0] == number


@pytest.mark.parametrize('count', [0, 1, 30])
@pytest.mark.parametrize('batch_size', [1, 4])
@pytest.mark.parametrize('threads', [1, 3])
def test_frames_come_in_order(count, batch_size, threads):
    torch.set_num_threads(threads)
    detector = ShadeDetector(thread_safe=True, batch_size=batch_size)

    found = list(detect_frames(shades(count), detector))

    check_order(found, count)
    sizes = sorted(map(len, detector.batches))
    assert sizes.count(batch_size) == count // batch_size
    assert sum(sizes) == count


def test_a_late_frame_does_not_lose_its_place():
    """The first frame is ready after the second one, in another thread."""
    torch.set_num_threads(2)
    second_is_ready = threading.Event()

    class LateDetector(ShadeDetector):
        def detect(self, image, frame):
            if frame == 0:
                assert second_is_ready.wait(SECONDS)
            elif frame == 1:
                second_is_ready.set()
            return super().detect(image, frame)

    detector = LateDetector(thread_safe=True)

    check_order(list(detect_frames(shades(20), detector)), 20)


def test_other_detectors_see_the_frames_in_order_in_one_thread():
    torch.set_num_threads(3)
    seen = set()

    class OneThreadDetector(ShadeDetector):
        def detect(self, image, frame):
            seen.add(threading.get_ident())
            return super().detect(image, frame)

    detector = OneThreadDetector()

    check_order(list(detect_frames(shades(20), detector)), 20)

    assert len(seen) == 1
    assert detector.batches == [[index] for index, _ in shades(20)]


def test_few_frames_are_in_memory():
    read = itertools.count()

    def frames():
        for frame in shades(200):
            next(read)
            yield frame

    found = detect_frames(frames(), ShadeDetector(batch_size=4))
    for _ in range(50):
        next(found)
    found.close()

    # 50 frames are 13 batches; one is detected, two are decoded before it
    assert next(read) <= (13 + 3) * 4


def test_error_comes_at_its_frame_and_ends_the_threads():
    class FailingDetector(ShadeDetector):
        def detect(self, image, frame):
            if frame == 3:
                raise ZeroDivisionError
            return super().detect(image, frame)

    detector, found = FailingDetector(), []
    before = threading.active_count()

    with pytest.raises(ZeroDivisionError):
        found.extend(detect_frames(shades(20), detector))

    check_order(found, 3)
    assert threading.active_count() == before


def test_error_of_the_video_is_raised():
    def frames():
        yield from shades(2)
        raise OSError('unplugged')

    with pytest.raises(OSError, match='unplugged'):
        list(detect_frames(frames(), ShadeDetector()))


@pytest.mark.slow
def test_threads_of_the_default_detector_agree_to_the_bit():
    from mmcion.registry import DETECTORS
    from mmcion.utils.downloads import DownloadError, fetch_file

    try:
        video = fetch_file('vtest.avi')
        detector = DETECTORS.build({'type': 'EfficientDetLiteDetector'})
        detector.load()
    except DownloadError as error:
        pytest.skip(str(error))
    with VideoReader(video) as reader:
        frames = list(itertools.islice(reader, 40))

    torch.set_num_threads(4)
    found = list(detect_frames(frames, detector))

    for (index, image), (place, _, boxes) in zip(frames, found, strict=True):
        plain = detector.detect(image, index)
        assert index == place
        assert boxes.boxes.tobytes() == plain.boxes.tobytes()
        assert boxes.scores.tobytes() == plain.scores.tobytes()
