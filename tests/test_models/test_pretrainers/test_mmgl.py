import pytest
import torch
from torch.nn.functional import mse_loss

from mmcion.models import MMGL, cycle_contrast_loss
from mmcion.models.pretrainers.mmgl import draw_orders, shuffle_stripes
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError
from tests.tiny import DIM

CAMERAS = [0, 0, 0, 1, 1, 1]


def make(backbone='TinyTwoStream', **options):
    torch.manual_seed(0)
    model = MMGL(
        {'type': f'mmcion.{backbone}'},
        {'type': 'PartProjector', 'in_channels': DIM, 'out_channels': 6},
        {'type': 'PermutationHead', 'in_channels': DIM, 'num_stripes': 4},
        **{'thermal_cams': (1,), **options},
    )
    model.init_weights()
    return model


def make_batch(cameras=CAMERAS):
    rng = torch.Generator().manual_seed(0)
    samples = [ReIDDataSample(metainfo={'cam_id': c}) for c in cameras]
    return torch.randn(len(cameras), 3, 16, 8, generator=rng), samples


def test_stripes_change_places():
    images = torch.arange(2 * 6.0).view(2, 1, 6, 1)
    orders = torch.tensor([[2, 0, 1], [0, 2, 1]])
    shuffled = shuffle_stripes(images, orders)
    assert shuffled.flatten(1).tolist() == [
        [4, 5, 0, 1, 2, 3],
        [6, 7, 10, 11, 8, 9],
    ]
    with pytest.raises(UserError, match='num_stripes'):
        shuffle_stripes(images, torch.tensor([[0, 1, 2, 3]] * 2))


def test_images_of_a_pair_share_an_order():
    is_thermal = [False, True, False, True, True]
    orders = draw_orders(is_thermal, 6)
    assert (orders.sort(1)[0] == torch.arange(6)).all()
    assert torch.equal(orders[0], orders[1])
    assert torch.equal(orders[2], orders[3])
    assert len({tuple(order) for order in orders.tolist()}) == 3


def test_loss_is_that_of_its_parts():
    model = make(cycle_weight=0.3, cycle={'temperature': 0.05})
    images, samples = make_batch()
    torch.manual_seed(1)
    losses = model(images, samples, mode='loss')
    torch.manual_seed(1)
    orders = draw_orders([camera == 1 for camera in CAMERAS], 4)
    maps = model.student.backbone(shuffle_stripes(images, orders), CAMERAS)
    truth = torch.eye(4)[orders]  # 1 at place i and the stripe it shows
    matrices = model.head(maps.mean((2, 3)))
    torch.testing.assert_close(
        losses['loss_permutation'], mse_loss(matrices, truth)
    )
    parts = model.student.projector(maps)
    cycle = cycle_contrast_loss(
        *(parts[rows].reshape(-1, 6) for rows in ([0, 1, 2], [3, 4, 5])),
        temperature=0.05,
    )
    torch.testing.assert_close(losses['loss_cycle'], 0.3 * cycle)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad.any() for p in model.parameters())


def test_feature_is_that_of_the_unshuffled_image_in_its_camera():
    model = make().eval()
    images, samples = make_batch()
    expected = model.student.backbone(images, CAMERAS).mean((2, 3))
    found = model(images, samples, mode='predict')
    assert torch.equal(torch.stack([s.feature for s in found]), expected)
    visible = model(images)
    assert torch.equal(visible[:3], expected[:3])
    assert not torch.allclose(visible[3:], expected[3:])


def test_one_stream_needs_no_cameras():
    model = make('TinyBackbone', channels_last=True)
    images, samples = make_batch()
    losses = model(images, samples, mode='loss')
    assert losses['loss_permutation'].isfinite()
    assert torch.equal(
        model(images), model.student.backbone(images).mean((2, 3))
    )


def test_batch_of_one_modality_is_refused():
    with pytest.raises(UserError, match=r'\[1\]'):
        make()(*make_batch([0] * 4), mode='loss')
