import numpy as np
import pytest
import torch
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

from mmcion.registry import DETECTORS
from mmcion.utils.checks import UserError

NAME = 'ssdlite320_mobilenet_v3_large'


def build(**kwargs):
    return DETECTORS.build({'type': 'TorchvisionDetector', **kwargs})


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=2
    )
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    return str(tmp_path / 'weights.pth')


def test_gives_boxes_of_people(weights):
    detector = build(
        name=NAME, weights_file=weights, num_classes=2, score_thr=0.0
    )
    detector.load()
    image = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)

    found = detector.detect(image, 0)

    assert len(found) > 0
    assert (found.boxes >= 0).all()
    assert (found.boxes <= (90, 60, 90, 60)).all()


def test_batches_find_the_boxes_of_single_frames(weights):
    options = {
        **{'name': NAME, 'weights_file': weights},
        **{'num_classes': 2, 'score_thr': 0.0},
    }
    detector = build(**options, batch_size=3)
    detector.load()
    rng = np.random.default_rng(0)
    images = [rng.integers(0, s, (48, 64, 3), np.uint8) for s in (90, 255, 9)]
    passes = []
    detector._model.register_forward_hook(
        lambda model, inputs, outputs: passes.append(len(outputs))
    )

    together = detector.detect_batch(images, range(3))
    alone = [detector.detect(image, 0) for image in images]

    assert passes == [3, 1, 1, 1]
    for one, other in zip(together, alone, strict=True):
        assert len(one) == len(other) > 0
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


def test_messages(weights, tmp_path):
    with pytest.raises(UserError, match="'resnet50'"):
        build(name='resnet50', weights_file=weights).load()
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        build(name=NAME, weights_file=str(tmp_path / 'none.pth'))
