import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict

from mmcion.registry import DETECTORS
from mmcion.utils.checks import MissingPackageError

CONFIG = {'type': 'MMDetDetector', 'config': 'c.py', 'checkpoint': 'c.pth'}


class Instances:
    """What mmdet returns, as far as it is used."""

    labels = torch.tensor([0, 5, 0])
    scores = torch.tensor([0.9, 0.9, 0.1])

    def __init__(self, image):
        self.bboxes = torch.arange(12.0).reshape(3, 4) + image[0, 0, 0]

    def cpu(self):
        return self

    def numpy(self):
        return SimpleNamespace(
            labels=self.labels.numpy(),
            scores=self.scores.numpy(),
            bboxes=self.bboxes.numpy(),
        )


class Model:
    """Has a config as ``init_detector`` gives it, and counts the passes."""

    cfg = ConfigDict(pipeline=[{'type': 'LoadImageFromFile'}])

    def __init__(self, config, checkpoint, device):
        self.batches = []

    def test_step(self, batch):
        assert set(batch) == {'inputs', 'data_samples'}
        self.batches.append(len(batch['inputs']))
        return [
            SimpleNamespace(pred_instances=Instances(image))
            for image in batch['inputs']
        ]


@pytest.fixture
def mmdet(monkeypatch):
    modules = {
        'mmdet': {},
        'mmdet.apis': {'init_detector': Model},
        'mmdet.utils': {'get_test_pipeline_cfg': lambda cfg: cfg.pipeline},
        'mmcv.transforms': {'Compose': make_pipeline},
    }
    for name, members in modules.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)


def make_pipeline(steps):
    assert [step.type for step in steps] == ['mmdet.LoadImageFromNDArray']
    return lambda item: {'inputs': item['img'], 'data_samples': None}


@pytest.mark.usefixtures('mmdet')
def test_keeps_people_above_the_threshold():
    detector = DETECTORS.build(CONFIG)
    detector.load()

    found = detector.detect(np.zeros((9, 9, 3), np.uint8), 0)

    assert found.boxes.tolist() == [[0, 1, 2, 3]]


@pytest.mark.usefixtures('mmdet')
def test_several_frames_in_one_pass():
    detector = DETECTORS.build({**CONFIG, 'batch_size': 3})
    detector.load()
    images = [np.full((9, 9, 3), shade, np.uint8) for shade in range(3)]

    found = detector.detect_batch(images, range(3))

    assert [each.boxes.tolist() for each in found] == [
        [[shade, 1 + shade, 2 + shade, 3 + shade]] for shade in range(3)
    ]
    assert detector._model.batches == [3]


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet', None)
    detector = DETECTORS.build(CONFIG)
    with pytest.raises(MissingPackageError, match='pip install mmdet'):
        detector.load()
