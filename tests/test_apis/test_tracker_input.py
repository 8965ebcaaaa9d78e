"""Files for boxmot and ultralytics, fed as these programs feed them."""

import ast
import json

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn.functional import interpolate

from mmcion.apis.export import METADATA, export_model
from mmcion.apis.features import FeatureExtractor
from mmcion.apis.tracker_input import TRACKERS, TrackerInput
from mmcion.models import ReIDModel
from mmcion.utils.checks import UserError

from ..tiny import DIM  # registers TinyBackbone

SIZE = (48, 24)  # of the network's images
NAMES = {'boxmot': 'my_resnet50.onnx', 'ultralytics': 'my.onnx'}


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return ReIDModel(
        {'type': 'TinyBackbone', 'use_bn': True},
        data_preprocessor={
            'type': 'ReIDDataPreprocessor',
            'mean': (0.1, 0.2, 0.3),  # not ImageNet's, as of LUPerson
            'std': (0.4, 0.5, 0.6),
        },
    ).eval()


@pytest.fixture(scope='module')
def files(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp('onnx')
    return {
        tracker: (
            folder / NAMES[tracker],
            export_model(
                model,
                folder / NAMES[tracker],
                image_size=SIZE,
                tracker=tracker,
            ),
        )
        for tracker in TRACKERS
    }


def draw_crops():
    """Three BGR crops of different sizes, smooth as photographs are."""
    rng = np.random.default_rng(0)
    for height, width in ((90, 40), (300, 111), (64, 64)):
        coarse = rng.integers(0, 256, (9, 5, 3), dtype=np.uint8)
        yield cv2.resize(coarse, (width, height))


def as_boxmot(crops):
    """Return the images that boxmot makes of crops, and the network's input.

    It resizes bytes, swaps channels, and normalises by ImageNet's constants.
    """
    images = [
        cv2.resize(crop, (128, 256), interpolation=cv2.INTER_LINEAR)
        for crop in crops
    ]
    rgb = np.stack(images)[..., ::-1].astype(np.float32) / 255
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    std = np.array([0.229, 0.224, 0.225], np.float32)
    return images, ((rgb - mean) / std).transpose(0, 3, 1, 2)


def as_ultralytics(crops):
    """Return the images that ultralytics makes of crops, and the input.

    It scales channels to [0, 1], and then resizes to a square: images are
    rounded here.
    """
    side = max(SIZE)
    inputs = [
        interpolate(
            torch.from_numpy(crop[..., ::-1].copy()).permute(2, 0, 1)[None]
            / 255.0,
            size=(side, side),
            mode='bilinear',
            align_corners=False,
        )
        for crop in crops
    ]
    inputs = torch.cat(inputs)
    levels = (inputs * 255).round().byte().permute(0, 2, 3, 1).flip(-1)
    return list(levels.numpy()), inputs.numpy()


def run(file, inputs):
    """Run a file as both do: the first output of the first input."""
    session = onnxruntime.InferenceSession(file)
    (name,) = [each.name for each in session.get_inputs()]
    return session.run(None, {name: np.ascontiguousarray(inputs)})[0]


@pytest.mark.parametrize(
    ('tracker', 'prepare'),
    [('boxmot', as_boxmot), ('ultralytics', as_ultralytics)],
)
def test_features_are_those_of_the_extractor(tracker, prepare, files, model):
    images, inputs = prepare(list(draw_crops()))
    found = run(files[tracker][0], inputs)
    extractor = FeatureExtractor(model, image_size=SIZE)
    expected = extractor(images, channel_order='bgr')
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # they are not all alike
    assert (expected @ expected.T).min() < 0.999
    # a batch of one gives the same
    np.testing.assert_allclose(
        run(files[tracker][0], inputs[:1]), expected[:1], atol=1e-5
    )


@pytest.mark.parametrize(
    ('tracker', 'size'), [('boxmot', [256, 128]), ('ultralytics', [48, 48])]
)
def test_input_stands_in_the_file(tracker, size, files):
    file, report = files[tracker]
    session = onnxruntime.InferenceSession(file)
    (given,) = session.get_inputs()
    assert given.name == 'images' and given.type == 'tensor(float)'
    assert given.shape == ['batch', 3, *size]
    (features,) = session.get_outputs()
    assert features.shape == ['batch', DIM]
    about = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
    assert about['tracker'] == report['tracker'] == tracker
    assert about['input_size'] == size
    assert about['input']['resized_inside']
    assert about['output']['l2_norm']
    # what a third program has to do
    image = torch.randint(256, (1, 3, *size))
    mean, std = (
        torch.tensor(about[name])[:, None, None] for name in ('mean', 'std')
    )
    torch.testing.assert_close(
        TrackerInput(tracker, SIZE).from_levels(image),
        (image * about['value_scale'] - mean) / std,
    )


def test_ultralytics_finds_its_entries(files):
    session = onnxruntime.InferenceSession(files['ultralytics'][0])
    found = session.get_modelmeta().custom_metadata_map
    # older releases fail if one is missing; these two are parsed as numbers,
    # the next two as Python
    assert int(found['stride']) and int(found['batch']) and found['task']
    assert ast.literal_eval(found['imgsz']) == [48, 48]
    assert ast.literal_eval(found['names']) == {0: 'person'}


@pytest.mark.parametrize('tracker', TRACKERS)
def test_levels_are_found_again(tracker):
    levels = torch.arange(256.0).repeat(1, 3, 1, 1)
    what = TrackerInput(tracker, SIZE)
    assert torch.equal(what.to_levels(what.from_levels(levels)), levels)


@pytest.mark.parametrize(
    'name', ['my.onnx', 'osnet_x1_0_clip.onnx', 'resnet50_veri.onnx']
)
def test_names_that_boxmot_takes_for_another_network(name, model, tmp_path):
    with pytest.raises(UserError, match=name):
        export_model(model, tmp_path / name, image_size=SIZE, tracker='boxmot')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('a.pt', {'tracker': 'ultralytics'}, r'trackers need .*\.onnx'),
        ('a.onnx', {'tracker': 'deepsort'}, 'deepsort'),
        (
            'a.onnx',
            {'tracker': 'ultralytics', 'with_resize': True},
            'leave out the preprocess and resize options',
        ),
    ],
)
def test_wrong_options(name, options, message, model, tmp_path):
    with pytest.raises(UserError, match=message):
        export_model(model, tmp_path / name, image_size=SIZE, **options)
