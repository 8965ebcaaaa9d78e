import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from mmcion.registry import DETECTORS
from mmcion.utils.checks import MissingPackageError

CONFIG = {'type': 'MMDetDetector', 'config': 'c.py', 'checkpoint': 'c.pth'}


class Instances:
    """What mmdet returns, as far as it is used."""

    labels = torch.tensor([0, 5, 0])
    scores = torch.tensor([0.9, 0.9, 0.1])
    bboxes = torch.arange(12.0).reshape(3, 4)

    def cpu(self):
        return self

    def numpy(self):
        return SimpleNamespace(
            labels=self.labels.numpy(),
            scores=self.scores.numpy(),
            bboxes=self.bboxes.numpy(),
        )


def test_keeps_people_above_the_threshold(monkeypatch):
    apis = ModuleType('mmdet.apis')
    apis.init_detector = lambda config, checkpoint, device: 'model'
    apis.inference_detector = lambda model, image: SimpleNamespace(
        pred_instances=Instances()
    )
    monkeypatch.setitem(sys.modules, 'mmdet', ModuleType('mmdet'))
    monkeypatch.setitem(sys.modules, 'mmdet.apis', apis)

    detector = DETECTORS.build(CONFIG)
    detector.load()

    found = detector.detect(np.zeros((9, 9, 3), np.uint8), 0)

    assert found.boxes.tolist() == [[0, 1, 2, 3]]


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet', None)
    detector = DETECTORS.build(CONFIG)
    with pytest.raises(MissingPackageError, match='pip install mmdet'):
        detector.load()
