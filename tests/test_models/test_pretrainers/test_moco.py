import torch

from mmcion.models import MoCo, queue_contrast_loss
from tests.golden import golden_inputs, read_golden
from tests.tiny import DIM, make_samples, make_views

CASE = read_golden('pretraining')['moco_step']


def make_moco(**options):
    torch.manual_seed(0)
    model = MoCo(
        {'type': 'mmcion.TinyBackbone'},
        {'type': 'mmcion.MLPProjector', 'in_channels': DIM, 'out_channels': 3},
        **{'queue_size': 7, **options},
    )
    model.init_weights()
    return model


def test_loss_is_that_of_the_queue_before_the_step():
    model = make_moco(temperature=0.2)
    with torch.no_grad():
        for weight in model.student.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    first, second = make_views(4, num_local=0)
    before = model.queue.feats
    loss = model([first, second], make_samples([0] * 4), mode='loss')['loss']
    queries, keys = model.student([first])[0], model.teacher([second])[0]
    expected = queue_contrast_loss(queries, keys, before, 0.2)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(model.queue.feats[:4], keys)
    assert model.queue.pointer == 4
    assert torch.equal(model.queue.feats[4:], before[4:])


def test_golden_momentum():
    x = golden_inputs(CASE)
    model = make_moco().double()
    for name, network in (('q', model.student), ('k', model.teacher)):
        bias = network.projector.mlp[2].bias
        bias.data.copy_(x[f'weight_{name}'])
    model.update_teacher(CASE['params']['m'])
    expected = torch.tensor(CASE['outputs']['weight_k_after']).double()
    bias = model.teacher.projector.mlp[2].bias
    torch.testing.assert_close(bias, expected)


def test_only_the_query_encoder_learns_and_is_released():
    model = make_moco()
    views = make_views(4, num_local=0)
    model(views, make_samples([0] * 4), mode='loss')['loss'].backward()
    assert all(p.grad is None for p in model.teacher.parameters())
    assert all(p.grad is not None for p in model.student.parameters())
    assert model.released == 'student'
    with torch.no_grad():
        model.student.backbone[0].bias.add_(1)
        feats = model.student.backbone(views[0]).mean((2, 3))
        torch.testing.assert_close(model(views[0]), feats)


def test_learns_to_find_the_other_view():
    backbone = {'type': 'mmcion.TinyBackbone', 'use_bn': True}
    neck = {'type': 'mmcion.MLPProjector', 'in_channels': DIM}
    torch.manual_seed(0)
    model = MoCo(backbone, neck, queue_size=64)
    optimizer = torch.optim.AdamW(model.student.parameters(), lr=3e-3)
    images = torch.randn(256, 3, 1, 1) + 0.3 * torch.randn(256, 3, 16, 8)
    losses = []
    for _ in range(100):
        batch = images[torch.randperm(256)[:32]]
        views = [batch + 0.1 * torch.randn_like(batch) for _ in range(2)]
        loss = model(views, make_samples([0] * 32), mode='loss')['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.update_teacher(0.98)
        losses.append(loss.item())
    # after two steps the queue is full of keys; ln 65 = 4.2 is chance
    assert losses[3] > 3
    assert sum(losses[-5:]) / 5 < 2.3
