from torch import nn

from mmcion.models.utils import camera_inputs
from mmcion.structures import ReIDDataSample
from tests.tiny import TinyTwoStream

SAMPLES = [ReIDDataSample(metainfo={'cam_id': 3}), ReIDDataSample()]


def test_cameras_are_for_backbones_that_take_them():
    assert camera_inputs(nn.Identity(), SAMPLES) == {}
    assert camera_inputs(TinyTwoStream(), SAMPLES) == {'cam_ids': [3, -1]}
    assert camera_inputs(TinyTwoStream(), None) == {'cam_ids': None}
