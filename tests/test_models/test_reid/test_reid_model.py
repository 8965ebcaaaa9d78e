import pytest
import torch

from mmcion.models import ReIDModel
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


def test_every_image_needs_a_sample():
    with pytest.raises(ValueError, match='zip'):
        make_model()(make_views(2)[0], make_samples([4]), mode='predict')


@pytest.mark.parametrize('mode', ['loss', 'predict'])
def test_modes_that_cannot_be_served(mode):
    with pytest.raises(ValueError, match=f"got '{mode}'"):
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
