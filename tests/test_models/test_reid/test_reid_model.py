import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from mmcion.models import ReIDModel
from mmcion.models.reid import reid_model
from mmcion.utils.checks import UserError
from tests.tiny import DIM, make_pretrainer, make_samples, make_views

TINY = {'type': 'TinyBackbone', 'use_bn': True}


def make_model(**options):
    torch.manual_seed(0)
    return ReIDModel(TINY, **options).eval()


def test_features_are_pooled_maps_of_the_backbone():
    model = make_model()
    images = make_views(3)[0]
    feats = model(images)
    assert feats.shape == (3, DIM)
    torch.testing.assert_close(feats, model.backbone(images).mean((2, 3)))


def test_predict_puts_features_into_the_samples():
    model = make_model()
    images, samples = make_views(2)[0], make_samples([4, 9])
    predicted = model(images, samples, mode='predict')
    feats = torch.stack([sample.feature for sample in predicted])
    assert torch.equal(feats, model(images))
    assert [sample.pid for sample in predicted] == [4, 9]


class CameraBackbone(nn.Module):
    """Notes the cameras that it is given."""

    takes_cameras = True
    num_features = 3

    def forward(self, x, cam_ids):
        self.cam_ids = cam_ids
        return x.mean((2, 3))


def test_backbone_is_given_the_cameras():
    model, images = make_model(), make_views(2)[0]
    model.backbone = CameraBackbone()
    model(images)
    assert model.backbone.cam_ids is None
    samples = make_samples([4, 9])  # without a camera
    samples[1].set_metainfo({'cam_id': 5})
    model(images, samples, mode='predict')
    assert model.backbone.cam_ids == [-1, 5]


def test_every_image_needs_a_sample():
    with pytest.raises(ValueError, match='zip'):
        make_model()(make_views(2)[0], make_samples([4]), mode='predict')


@pytest.mark.parametrize('mode', ['loss', 'predict'])
def test_modes_that_cannot_be_served(mode):
    with pytest.raises(UserError, match=f"'{mode}'"):
        make_model()(make_views(2)[0], None, mode=mode)


def test_checkpoint_of_pretraining_gives_the_teachers_backbone(tmp_path):
    pretrainer = make_pretrainer(use_bn=True, seed=5)
    with torch.no_grad():
        pretrainer.student.backbone[0].weight.add_(1)
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': pretrainer.state_dict()}, path)
    model = make_model(backbone_checkpoint=str(path))
    images = make_views(2)[0]
    expected = pretrainer.eval()(images)
    assert torch.equal(model(images), expected)
    model.init_weights()
    assert torch.equal(model(images), expected)


def test_step_on_a_batch_of_images():
    model = make_model()
    images = torch.randint(0, 256, (2, 3, 16, 8), dtype=torch.uint8)
    batch = {'inputs': images, 'data_samples': make_samples([0, 1])}
    predicted = model.test_step(batch)
    normalised = model.data_preprocessor(batch)['inputs']
    assert torch.equal(predicted[1].feature, model(normalised)[1])


def make_learner(**options):
    """A model with neck and head, in training mode."""
    settings = {
        'neck': {'type': 'BNNeck', 'in_channels': DIM, 'embed_dims': 6},
        'head': {
            'type': 'ReIDHead',
            'num_classes': 3,
            'in_channels': 6,
            'triplet': {'type': 'TripletLoss'},
        },
    }
    return make_model(**{**settings, **options}).train()


def test_without_neck_and_head_the_state_is_that_of_the_backbone():
    model = make_model(flip_test=True)
    names = {f'backbone.{name}' for name in model.backbone.state_dict()}
    assert set(model.state_dict()) == names


def test_neck_feat_chooses_the_feature():
    images = make_views(4)[0]
    for number, neck_feat in enumerate(('before', 'after')):
        model = make_learner(neck_feat=neck_feat).eval()
        model.neck.bn.running_mean += 1
        pooled = model.backbone(images).mean((2, 3))
        assert torch.equal(model(images), model.neck(pooled)[number])


def test_neck_may_pool_the_map_itself():
    pooling = {'type': 'GeneralizedMeanPooling', 'p': 2.0}
    neck = {'type': 'BNNeck', 'in_channels': DIM, 'pooling': pooling}
    model = make_model(neck=neck, neck_feat='before')
    images = make_views(4)[0]
    feature_map = model.backbone(images)
    assert torch.equal(model(images), model.neck.pooling(feature_map))
    assert 'neck.pooling.p' in model.state_dict()


def test_losses_are_those_of_the_head():
    model, images = make_learner(), make_views(4)[0]
    samples = make_samples([0, 2, 2, 1])
    losses = model(images, samples, mode='loss')
    assert set(losses) == {'loss_id', 'loss_triplet'}
    pooled = model.backbone(images).mean((2, 3))
    expected = model.head.loss(*model.neck(pooled), [0, 2, 2, 1])
    assert all(torch.equal(losses[name], expected[name]) for name in losses)


def test_head_may_stand_on_the_backbone():
    head = {'type': 'ReIDHead', 'num_classes': 3, 'in_channels': DIM}
    model = make_learner(neck=None, head=head)
    losses = model(make_views(2)[0], make_samples([0, 1]), mode='loss')
    assert set(losses) == {'loss_id'}


def test_frozen_backbone_stays_as_it_is():
    model = make_learner(frozen_backbone=True)
    before = {k: v.clone() for k, v in model.backbone.state_dict().items()}
    images, samples = make_views(4)[0], make_samples([0, 2, 2, 1])
    assert not model.backbone.training and model.neck.training
    sum(model(images, samples, mode='loss').values()).backward()
    after = model.backbone.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None for p in model.backbone.parameters())
    assert model.neck.embedding.weight.grad.any()
    assert not model.eval().neck.training


def test_flip_test_gives_the_mean_of_both_sides():
    images = make_views(3)[0]
    plain, flipped = make_learner().eval(), make_learner(flip_test=True).eval()
    sides = [normalize(plain(x)) for x in (images, images.flip(3))]
    torch.testing.assert_close(flipped(images), sum(sides) / 2)
    torch.testing.assert_close(flipped(images.flip(3)), flipped(images))
    assert not torch.allclose(*sides)
    losses = [
        model.train()(images, make_samples([0, 1, 1]), mode='loss')
        for model in (plain, flipped)
    ]
    assert losses[0] == losses[1]


def test_checkpoints_of_backbone_and_neck(tmp_path):
    trained = make_learner()
    trained(make_views(4)[0], make_samples([0, 2, 2, 1]), mode='loss')
    path = str(tmp_path / 'epoch_1.pth')
    torch.save({'state_dict': trained.state_dict()}, path)
    # of other identities
    head = {'type': 'ReIDHead', 'num_classes': 99, 'in_channels': 6}
    torch.manual_seed(1)
    model = make_learner(
        head=head, backbone_checkpoint=path, neck_checkpoint=path
    )
    images = make_views(2)[0]
    assert torch.equal(model.eval()(images), trained.eval()(images))


def test_training_from_nothing_is_told(monkeypatch):
    said = []
    monkeypatch.setattr(
        reid_model, 'print_log', lambda text, **_: said.append(text)
    )
    make_learner().init_weights()
    make_model().init_weights()
    (warning,) = said
    assert 'the backbone is as it was initialised' in warning


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'neck_feat': 'both'}, 'both'),
        ({'neck': None, 'neck_checkpoint': 'a.pth'}, r'a\.pth.* model\.neck'),
        (
            {'neck': {'type': 'BNNeck', 'in_channels': DIM}},
            rf'model\.head\.in_channels is 6, .* {DIM}',
        ),
    ],
)
def test_parts_that_do_not_fit(options, message):
    with pytest.raises(UserError, match=message):
        make_learner(**options)


def test_widths_are_those_of_the_module_below():
    model = ReIDModel(
        {'type': 'ColorStripeDescriptor'},
        neck={'type': 'BNNeck', 'embed_dims': 5},
        head={'type': 'ReIDHead', 'num_classes': 3},
    )
    assert model.neck.embedding.in_features == 336
    assert model.head.classifier.in_features == 5
