import pytest
import torch

from mmcion.apis.deployed_model import DeployedModel
from mmcion.apis.export_parity import random_crops
from mmcion.apis.model_zoo import get_model
from mmcion.models import ReIDModel, convert_reidzoo

from .. import tiny  # noqa: F401, registers TinyBackbone
from ..golden import reidzoo_backbone


@pytest.mark.parametrize(
    'preprocessor',
    [{}, {'mean': (0.1, 0.2, 0.3), 'std': (0.4, 0.5, 0.6)}, {'mean': None}],
)
@torch.no_grad()
def test_preprocessing_is_that_of_the_model(preprocessor):
    if preprocessor.get('mean', 0) is None:
        preprocessor = {'mean': None, 'std': None}
    model = ReIDModel(
        {'type': 'TinyBackbone'},
        data_preprocessor={'type': 'ReIDDataPreprocessor', **preprocessor},
    )
    images = random_crops(16, 8, 2)
    inputs = images.permute(0, 3, 1, 2)
    inputs = model.data_preprocessor({'inputs': inputs})['inputs']

    found = DeployedModel(model, with_preprocess=True)(images)

    torch.testing.assert_close(found, model(inputs))
    torch.testing.assert_close(DeployedModel(model)(inputs), model(inputs))


@torch.no_grad()
def test_features_of_length_one():
    deployed = DeployedModel(ReIDModel({'type': 'TinyBackbone'}), l2_norm=True)
    feats = deployed(torch.randn(3, 3, 16, 8))
    torch.testing.assert_close(feats.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize(
    'arch', ['fastvit_s12', 'fastvit_sa12', 'repvit_m0_9']
)
@torch.no_grad()
def test_fused_branches_give_the_same_features(arch):
    model = get_model(arch)
    weights = convert_reidzoo(reidzoo_backbone(arch), arch)
    model.backbone.load_state_dict(weights)
    deployed = DeployedModel(model)
    images = torch.randn(2, 3, 128, 64)
    expected = deployed(images)

    assert deployed.fuse()

    error = (deployed(images) - expected).abs().max()
    assert error < 1e-5 * expected.abs().max()
    names = [name for name, _ in deployed.named_modules()]
    assert not any('identity' in name for name in names)


def test_nothing_to_fuse():
    assert not DeployedModel(get_model('ghostnet_0_5')).fuse()
