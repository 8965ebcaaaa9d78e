import math

import torch

from mmcion.utils.finite import not_finite


def test_tensors_are_named():
    state = {
        'model': {'weight': torch.tensor([1.0, math.nan]), 'n': math.nan},
        'optimizer': [{'step': torch.tensor(3)}, (torch.tensor(math.inf),)],
        'half': torch.tensor(6e4, dtype=torch.float16),
        'empty': torch.zeros(0),
    }
    assert not_finite(state) == ['model.weight', 'optimizer.1.0']
