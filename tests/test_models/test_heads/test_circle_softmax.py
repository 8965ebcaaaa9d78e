import pytest
import torch
from torch import nn

from mmcion.models import CircleSoftmax, smoothed_cross_entropy
from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

CASES = read_golden('mgn')['cases']


@pytest.mark.parametrize('name', ['circle_softmax', 'circle_softmax_30_25'])
def test_golden(name):
    case = CASES[name]
    feats, weight = golden_inputs(case).values()
    params, expected = case['params'], case['outputs']
    classifier = CircleSoftmax(5, 8, params['s'], params['m'])
    classifier.weight = nn.Parameter(weight)
    feats.requires_grad_()
    labels = torch.tensor(params['labels'])
    logits = classifier(feats, labels)
    loss = smoothed_cross_entropy(
        logits, labels, params['smoothing'], 'others'
    )
    loss.backward()
    for found, key in (
        (logits, 'logits'),
        (loss, 'cross_entropy'),
        (feats.grad, 'grad_features'),
        (classifier.weight.grad, 'grad_weight'),
    ):
        wanted = torch.tensor(expected[key], dtype=torch.float64)
        torch.testing.assert_close(
            found.detach(), wanted, rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize(
    ('name', 'value'), [('num_classes', 0), ('scale', -1.0), ('margin', 1.5)]
)
def test_options_out_of_range(name, value):
    with pytest.raises(UserError, match=f'{name}.* {value}'):
        CircleSoftmax(**{'num_classes': 5, 'in_channels': 4, name: value})
