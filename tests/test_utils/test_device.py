import pytest
import torch

from mmcion.utils.checks import UserError
from mmcion.utils.device import check_device


@pytest.mark.parametrize('device', ['cuda:99', 'gpu', 'cuda:x'])
def test_device_that_is_not_there(device):
    with pytest.raises(UserError, match=device):
        check_device(device)


def test_device_that_is_there():
    assert check_device('cpu') == torch.device('cpu')
