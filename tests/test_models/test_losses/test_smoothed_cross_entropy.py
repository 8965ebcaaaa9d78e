import pytest
import torch

from mmcion.models import ReIDHead, smoothed_cross_entropy
from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

CASE = read_golden('mgn')['cases']['label_smoothing']


@pytest.mark.parametrize(
    ('name', 'arguments'),
    [
        ('plain', ()),
        ('plain', (0.0, 'others')),
        ('strong_baseline', (0.1,)),
        ('fast_reid', (0.1, 'others')),
    ],
)
def test_golden(name, arguments):
    (logits,) = golden_inputs(CASE).values()
    labels = torch.tensor(CASE['params']['labels'])
    loss = smoothed_cross_entropy(logits, labels, *arguments)
    assert loss.item() == pytest.approx(CASE['outputs'][name], rel=1e-9)


def test_head_takes_the_kind():
    torch.manual_seed(0)
    head = ReIDHead(5, 4, label_smoothing=0.1, smoothed_over='others')
    feats, pids = torch.randn(3, 4), [0, 4, 2]
    expected = smoothed_cross_entropy(
        head.classifier(feats), torch.tensor(pids), 0.1, 'others'
    )
    assert torch.equal(head.loss(feats, feats, pids)['loss_id'], expected)
    with pytest.raises(UserError, match='none'):
        ReIDHead(5, 4, smoothed_over='none')
