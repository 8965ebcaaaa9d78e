import math

import pytest
import torch
from mmengine import MessageHub
from torch.nn.functional import normalize

from mmcion.models import (
    UPReID,
    consistency_loss,
    queue_contrast_loss,
    stripe_contrast_loss,
)
from mmcion.utils.checks import UserError
from tests.tiny import DIM, make_samples, make_views

BATCH = 4


@pytest.fixture(autouse=True)
def no_training():
    """No iteration of another test is the current one."""
    hub = MessageHub.get_current_instance()
    hub.update_info_dict({'iter': 0, 'max_iters': 0})
    return hub


def make_model(**options):
    torch.manual_seed(0)
    model = UPReID(
        {'type': 'mmcion.TinyBackbone'},
        {'type': 'mmcion.MLPProjector', 'in_channels': DIM, 'out_channels': 3},
        **{'queue_size': 7, 'num_stripes': 2, **options},
    )
    model.init_weights()
    with torch.no_grad():  # student and teacher differ
        for weight in model.student.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def three_views(seed=0):
    return [make_views(BATCH, 0, seed + n)[0] for n in range(3)]


def samples_of(boxes):
    """Samples of one image each, with boxes of its views."""
    samples = make_samples(range(len(boxes)))
    for sample, crops in zip(samples, boxes, strict=True):
        sample.set_metainfo({'crop_boxes': crops})
    return samples


def encoded(encoder, view):
    """Vectors of a view and of its upper and lower half."""
    maps = encoder.backbone(view)  # (B, d, 4, 2)
    stripes = torch.stack([x.mean((2, 3)) for x in maps.chunk(2, 2)], 1)
    stripes = normalize(encoder.stripe_projector(stripes), dim=2)
    return encoder.projector(maps.mean((2, 3))), stripes


@pytest.mark.parametrize('consistency', ['kl_queue', 'kl_batch', 'cosine'])
@pytest.mark.parametrize('with_original', [True, False])
def test_loss_has_three_terms(consistency, with_original):
    model = make_model(
        consistency=consistency,
        consistency_temps=(0.2, 0.3),
        consistency_weight=0.5,
        stripe_weight=2.0,
        contrasts_original=with_original,
    )
    views, queue = three_views(), model.queue.feats
    losses = model(views, make_samples(range(BATCH)), mode='loss')
    queries, stripes = encoded(model.student, views[0])
    keys, key_stripes = encoded(model.teacher, views[1])
    originals, original_stripes = encoded(model.teacher, views[2])
    references = {'kl_queue': queue, 'kl_batch': keys, 'cosine': None}
    others = torch.stack([key_stripes, original_stripes])
    expected = {
        'loss_instance': queue_contrast_loss(queries, keys, queue, 0.1),
        'loss_consistency': 0.5
        * consistency_loss(
            queries, originals, references[consistency], 0.2, 0.3
        ),
        'loss_stripes': 2
        * stripe_contrast_loss(stripes, others[: 1 + with_original], 0.1),
        'stripe_similarity': (stripes[:, 0] * stripes[:, 1]).sum(1).mean(),
    }
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(model.queue.feats[:BATCH], keys)


def test_only_the_student_learns():
    model = make_model()
    losses = model(three_views(), make_samples(range(BATCH)), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad.any() for p in model.student.parameters())
    assert all(p.grad is None for p in model.teacher.parameters())
    assert not losses['stripe_similarity'].requires_grad


def test_teacher_starts_as_the_student_and_follows_it():
    model = make_model()
    model.init_weights()
    name = 'stripe_projector.weight'
    state = model.teacher.state_dict()
    assert torch.equal(state[name], model.student.state_dict()[name])
    with torch.no_grad():
        model.student.stripe_projector.weight.add_(1)
    before = state[name].clone()
    model.update_teacher(0.9)
    torch.testing.assert_close(state[name], before + 0.1)


def test_stripes_of_the_image():
    """Both crops of the lower half show one of two stripes."""
    whole, lower = [0.0, 0.0, 1.0, 1.0], [0.5, 0.0, 0.5, 1.0]
    model, views = make_model(stripe_align='box'), three_views()
    plain = make_model()
    same = model(views, samples_of([[whole] * 3] * BATCH), mode='loss')
    expected = plain(views, make_samples(range(BATCH)), mode='loss')
    torch.testing.assert_close(same, expected)
    cut = model(
        views, samples_of([[lower, lower, whole]] * BATCH), mode='loss'
    )
    # the whole lower half of the crop, against the original's halves
    maps = model.student.backbone(views[0])
    stripe = model.student.stripe_projector(maps.mean((2, 3)))
    stripe = normalize(stripe, dim=1)
    key = model.teacher.backbone(views[1]).mean((2, 3))
    key = normalize(model.teacher.stripe_projector(key), dim=1)
    _, original = encoded(model.teacher, views[2])
    positive = torch.minimum(
        (stripe * key).sum(1), (stripe * original[:, 1]).sum(1)
    )
    negative = (stripe * original[:, 0]).sum(1)
    loss = torch.log1p(((negative - positive) / 0.1).exp()).mean()
    torch.testing.assert_close(cut['loss_stripes'], loss)


def test_no_stripe_in_sight():
    narrow = [0.0, 0.0, 1.0, 0.3]
    model = make_model(stripe_align='box')
    samples = samples_of([[narrow] * 3] * BATCH)
    losses = model(three_views(), samples, mode='loss')
    losses['loss_stripes'].backward()
    assert losses['loss_stripes'] == 0
    assert not model.student.stripe_projector.weight.grad.any()


@pytest.mark.parametrize(('topk_neg', 'count'), [(1, 2), (None, 4)])
def test_collapsed_stripes(topk_neg, count):
    model = make_model(num_stripes=4, topk_neg=topk_neg)
    for network in (model.student, model.teacher):
        torch.nn.init.zeros_(network.stripe_projector.weight)
    losses = model(three_views(), make_samples(range(BATCH)), mode='loss')
    # log 2 with mining, else log S
    assert losses['loss_stripes'].item() == pytest.approx(math.log(count))
    assert losses['stripe_similarity'].item() == pytest.approx(1)


def test_additional_terms_come_in_slowly(no_training):
    model = make_model(warmup_ratio=0.1)
    found = []
    for iteration in (0, 1, 8, 9, 10, 99):
        no_training.update_info_dict({'iter': iteration, 'max_iters': 100})
        found.append(model.warmth())
    assert found == pytest.approx([0.1, 0.2, 0.9, 1, 1, 1])
    no_training.update_info('iter', 0)
    samples = make_samples(range(BATCH))
    early = model(three_views(), samples, mode='loss')
    no_training.update_info('iter', 99)
    late = make_model()(three_views(), samples, mode='loss')
    for name in ('loss_consistency', 'loss_stripes'):
        torch.testing.assert_close(early[name], 0.1 * late[name])


def test_backbone_without_a_map():
    model = make_model()
    model.student.backbone.append(torch.nn.AdaptiveAvgPool2d(1))
    model.student.backbone.append(torch.nn.Flatten())
    with pytest.raises(UserError, match='map'):
        model(three_views(), make_samples(range(BATCH)), mode='loss')


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('consistency', 'l1'),
        ('stripe_align', 'pose'),
        ('stripe_temperature', 0),
        ('consistency_temps', (0.1, -1)),
        ('num_stripes', 1),
        ('topk_neg', 0),
        ('warmup_ratio', 2),
    ],
)
def test_options(option, value):
    with pytest.raises(UserError, match=str(value).strip('(),')[-2:]):
        make_model(**{option: value})
