import numpy as np
import pytest
import torch

from mmcion.apis.rebuild_extractor import rebuild_extractor
from mmcion.registry import MODELS
from mmcion.structures import FeatureStore
from mmcion.utils.checks import UserError
from mmcion.utils.io import hash_file, hash_value

from .person_search import NETWORK

PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'ResizeImage', 'size': [128, 64]},
    {'type': 'PackReIDInputs'},
]
IMAGE = np.random.default_rng(0).integers(0, 256, (70, 30, 3), np.uint8)


def store_of(**meta):
    return FeatureStore(np.ones((1, 2)), {'extractor': NETWORK, **meta})


def test_transforms_are_recorded():
    odd = [{**PIPELINE[0]}, {**PIPELINE[1], 'size': [60, 20]}, PIPELINE[2]]
    extractor = rebuild_extractor(store_of(transforms=odd))
    assert extractor.pipeline == odd
    assert not extractor.normalize
    assert extractor(IMAGE, channel_order='rgb').shape == (1, 336)


@pytest.mark.parametrize('scope', ['', 'mmcion.'])
def test_older_stores_have_their_hash(scope):
    named = [{**each, 'type': scope + each['type']} for each in PIPELINE]
    extractor = rebuild_extractor(store_of(pipeline=hash_value(named)))
    assert [*extractor.pipeline[1]['size']] == [128, 64]


@pytest.mark.parametrize(
    ('meta', 'match'),
    [
        ({'pipeline': 'unknown'}, '--config'),
        ({'extractor': 'made up', 'transforms': PIPELINE}, '--config'),
        ({'checkpoint': '7e' * 32, 'transforms': PIPELINE}, '7e7e'),
        (
            {'transforms': [{'type': 'os.system', 'command': 'true'}]},
            'os.system',
        ),
        (
            {'extractor': {'type': 'os.system'}, 'transforms': PIPELINE},
            'os.system',
        ),
    ],
)
def test_what_cannot_be_rebuilt(meta, match):
    with pytest.raises(UserError, match=match):
        rebuild_extractor(store_of(**meta))


def test_weights_come_from_the_same_checkpoint(tmp_path):
    network = {
        'type': 'ReIDModel',
        'backbone': {
            'type': 'mmpretrain.TIMMBackbone',
            'model_name': 'mobilenetv2_050',
        },
    }
    file = tmp_path / 'weights.pth'
    model = MODELS.build(network).eval()
    torch.save({'state_dict': model.state_dict()}, file)
    store = store_of(
        extractor=network, transforms=PIPELINE, checkpoint=hash_file(file)
    )
    extractor = rebuild_extractor(store, file)
    inputs = torch.from_numpy(IMAGE).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        expected = model(inputs, mode='tensor')
        found = extractor.model.eval()(inputs, mode='tensor')
    torch.testing.assert_close(found, expected)
    torch.save({'state_dict': MODELS.build(network).state_dict()}, file)
    with pytest.raises(UserError, match='SHA-256'):
        rebuild_extractor(store, file)
