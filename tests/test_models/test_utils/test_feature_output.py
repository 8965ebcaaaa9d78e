import pytest
import torch

from mmcion.models.utils import feature_output
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError


def test_tensor_mode_gives_the_features():
    feats = torch.eye(2)
    assert feature_output(feats, None, 'tensor') is feats


def test_predict_mode_fills_the_samples():
    samples = [ReIDDataSample(), ReIDDataSample()]
    result = feature_output(torch.eye(2), samples, 'predict')
    assert result is samples
    assert samples[1].feature.tolist() == [0, 1]


@pytest.mark.parametrize('mode', ['predict', 'loss'])
def test_other_requests_are_refused(mode):
    with pytest.raises(UserError, match=mode):
        feature_output(torch.eye(2), None, mode)
