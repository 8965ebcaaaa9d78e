import itertools
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mmcion.registry import DETECTORS
from mmcion.utils.checks import MissingPackageError, UserError
from mmcion.utils.downloads import DownloadError, fetch_file
from mmcion.video import VideoReader
from mmcion.video.detectors import litert_detector

CONFIG = {'type': 'EfficientDetLiteDetector'}


class FakeNet:
    """Sees one person in the middle of every image, and a dog."""

    def __init__(self, path, num_threads):
        self.image = None

    def allocate_tensors(self):
        pass

    def get_input_details(self):
        return [{'index': 'in', 'shape': np.array([1, 8, 8, 3])}]

    def get_output_details(self):
        return [{'index': n} for n in ('boxes', 'classes', 'scores', 'n')]

    def set_tensor(self, index, value):
        self.image = value
        assert value.shape == (1, 8, 8, 3) and value.dtype == np.uint8

    def invoke(self):
        pass

    def get_tensor(self, index):
        return {
            'boxes': np.array([[[0.25, 0.4, 0.75, 0.6]] * 3]),
            'classes': np.array([[0.0, 17.0, 0.0]]),
            'scores': np.array([[0.8, 0.9, 0.1]]),
        }[index]


@pytest.fixture
def fake_net(monkeypatch, tmp_path):
    interpreter = pytest.importorskip('ai_edge_litert.interpreter')
    monkeypatch.setattr(interpreter, 'Interpreter', FakeNet)
    model = tmp_path / 'model.tflite'
    model.touch()
    return {**CONFIG, 'model': str(model)}


def build(config):
    detector = DETECTORS.build(config)
    detector.load()
    return detector


def test_keeps_people_above_the_threshold_in_pixels(fake_net):
    detector = build(fake_net)

    found = detector.detect(np.zeros((100, 200, 3), np.uint8), 0)

    assert found.boxes.tolist() == [[80, 25, 120, 75]]
    assert found.scores == pytest.approx([0.8])


def test_network_sees_red_first(fake_net):
    detector = build(fake_net)
    image = np.zeros((100, 200, 3), np.uint8)
    image[..., 2] = 255

    detector.detect(image, 0)

    (net,) = detector._idle_nets
    assert net.image[0, 0, 0].tolist() == [255, 0, 0]


def test_threads_have_nets_of_their_own(fake_net, monkeypatch):
    both = threading.Barrier(2, timeout=60)
    monkeypatch.setattr(FakeNet, 'invoke', lambda self: both.wait())
    detector = build(fake_net)
    images = [np.full((100, 200, 3), value, np.uint8) for value in (1, 2)]

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            list(pool.map(detector.detect, images, (0, 1)))

    assert {net.image.max() for net in detector._idle_nets} == {1, 2}
    assert len(detector._idle_nets) == 2


def test_tiles_are_put_back_into_the_frame(fake_net):
    detector = build({**fake_net, 'tiles': (2, 1), 'overlap': 0.2})

    found = detector.detect(np.zeros((100, 180, 3), np.uint8), 0)

    whole = [72, 25, 108, 75]
    tiles = [[40, 25, 60, 75], [120, 25, 140, 75]]
    assert found.boxes.tolist() == pytest.approx(np.array([whole, *tiles]))


@pytest.mark.parametrize(
    'change',
    [
        {'tiles': (0, 1)},
        {'overlap': 1.0},
        {'score_thr': -0.1},
        {'score_thr': float('nan')},
    ],
)
def test_bad_settings(fake_net, change):
    ((name, value),) = change.items()
    with pytest.raises(UserError, match=rf'{name}.*{re.escape(str(value))}'):
        DETECTORS.build({**fake_net, **change})


def test_missing_package_names_the_requirements(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ai_edge_litert.interpreter', None)
    with pytest.raises(MissingPackageError, match=r'mmcion\[video\]'):
        litert_detector.EfficientDetLiteDetector().load()


@pytest.mark.slow
def test_finds_people_of_the_sample_video():
    try:
        video = fetch_file('vtest.avi')
        fetch_file('efficientdet_lite2.tflite')
    except DownloadError as error:
        pytest.skip(str(error))
    detector = build(CONFIG)
    with VideoReader(video) as reader:
        index, image = next(itertools.islice(reader, 100, None))

    found = detector.detect(image, index)

    assert 4 <= len(found) <= 9
    heights = found.boxes[:, 3] - found.boxes[:, 1]
    assert 50 < np.median(heights) < 160
