from types import SimpleNamespace

import pytest
import torch
from mmengine import MessageHub

from mmcion.models import PNL, queue_contrast_loss
from tests.tiny import DIM, make_samples, make_views

PIDS = [0, 1, 1, 2]


def make_pnl(**options):
    torch.manual_seed(0)
    model = PNL(
        {'type': 'mmcion.TinyBackbone'},
        {'type': 'mmcion.MLPProjector', 'in_channels': DIM, 'out_channels': 3},
        {'type': 'mmcion.PNLHead', 'num_classes': 3, 'threshold': 0.0},
        queue_size=8,
        **options,
    )
    model.init_weights()
    return model


@pytest.mark.parametrize(
    ('epoch', 'guided'), [(0, False), (14, False), (15, True)]
)
def test_contrast_takes_the_labels_of_the_loader(epoch, guided, monkeypatch):
    hub = SimpleNamespace(get_info=lambda name, default: epoch)
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    model = make_pnl()
    model.queue.pids = torch.tensor([0, 0, 1, 1, 2, 2, -1, -1])
    # threshold 0: from epoch 11 on all labels are the classifier's, class 2
    with torch.no_grad():
        model.head.classifier.bias.copy_(torch.tensor([0.0, 0.0, 50.0]))
    views = make_views(4, num_local=0)
    before = model.queue.feats
    losses = model(views, make_samples(PIDS), mode='loss')
    given = model.student(views[:1])[0], model.teacher(views[1:])[0], before
    pids = torch.tensor(PIDS) if guided else None
    expected = queue_contrast_loss(
        *given,
        0.07,
        pids=pids,
        queue_pids=torch.tensor([0, 0, 1, 1, 2, 2, -1, -1]),
    )
    torch.testing.assert_close(losses['loss_contrast'], expected)
    # but the queue remembers the corrected ones
    stored = [2] * 4 if epoch >= 11 else PIDS
    assert model.queue.pids.tolist() == [*stored, 2, 2, -1, -1]
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.student.parameters())
    assert all(p.grad is not None for p in model.head.parameters())
