import pickle
import sys
from copy import deepcopy

import numpy as np
import onnx
import pytest
import torch

from mmcion.apis.export import export_model
from mmcion.apis.features import FeatureExtractor, input_size
from mmcion.apis.onnx_model import OnnxModel
from mmcion.models import ReIDModel
from mmcion.models.weights import ModelSpec
from mmcion.utils.checks import MissingPackageError, UserError

from ..tiny import DIM, write_image

SIZE = (16, 8)


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    backbone = {'type': 'TinyBackbone', 'use_bn': True}
    model = ReIDModel(
        backbone,
        data_preprocessor={
            'type': 'ReIDDataPreprocessor',
            'mean': (0.4, 0.5, 0.6),
            'std': (0.2, 0.3, 0.4),
        },
    )
    model.spec = ModelSpec(
        backbone,
        input_size=SIZE,
        resize={
            'interpolation': 'bilinear',
            'antialias': True,
            'keep_ratio': False,
        },
    )
    return model.eval()


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp('images')
    for seed in range(3):
        write_image(folder / f'{seed}.png', seed=seed, size=(40, 20 + seed))
    return folder


@pytest.mark.parametrize(
    'options',
    [{}, {'with_preprocess': True}, {'with_resize': True, 'l2_norm': True}],
)
def test_features_are_those_of_the_model(model, images, options, tmp_path):
    out = tmp_path / 'model.onnx'
    export_model(model, out, image_size=SIZE, **options)
    found = FeatureExtractor(out, batch_size=2)
    assert input_size(found.model) == SIZE
    expected = FeatureExtractor(model, 'cpu')(images)
    assert expected.shape == (3, DIM)
    np.testing.assert_allclose(found(images), expected, atol=1e-5)


def test_stores_tell_files_apart(model, images, tmp_path):
    for name, l2_norm in (('a.onnx', False), ('b.onnx', True)):
        export_model(model, tmp_path / name, image_size=SIZE, l2_norm=l2_norm)
    extractor = FeatureExtractor(tmp_path / 'a.onnx')
    extractor.extract_folder(images, tmp_path / 'out')
    extractor.extract_folder(images, tmp_path / 'out')  # the same model
    with pytest.raises(UserError, match='weights'):
        FeatureExtractor(tmp_path / 'b.onnx').extract_folder(
            images, tmp_path / 'out'
        )


def test_mistakes(model, images, tmp_path, monkeypatch):
    out = tmp_path / 'model.onnx'
    with pytest.raises(FileNotFoundError, match='model.onnx'):
        OnnxModel(out)
    export_model(model, out, image_size=SIZE)
    with pytest.raises(UserError, match=r'\[16, 8\]; got \[32, 16\]'):
        FeatureExtractor(out, image_size=(32, 16))(images)

    with pytest.raises(UserError, match='pretrained must be left out'):
        FeatureExtractor(out, pretrained='other.pth')
    out.write_bytes(out.read_bytes()[:100])
    with pytest.raises(UserError, match='model.onnx'):
        OnnxModel(out)
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(MissingPackageError, match='export'):
        OnnxModel(out)


@pytest.mark.parametrize(
    'metadata', [None, 'hello', '[1]', '{}', '{"input": {}}', 'graph']
)
def test_file_of_another_program(model, metadata, tmp_path):
    out = tmp_path / 'foreign.onnx'
    export_model(model, out, image_size=SIZE)
    foreign = onnx.load(out)
    if metadata == 'graph':
        metadata = foreign.metadata_props[0].value
        foreign.graph.input[0].name = 'data'
        for node in foreign.graph.node:
            names = ['data' if x == 'images' else x for x in node.input]
            node.input[:] = names
    del foreign.metadata_props[:]
    if metadata:
        foreign.metadata_props.add(key='mmcion', value=metadata)
    onnx.save(foreign, out)
    with pytest.raises(UserError, match=r'foreign\.onnx does not say how'):
        OnnxModel(out)


def test_extractor_is_copied_and_named_in_capitals(model, images, tmp_path):
    out = tmp_path / 'MODEL.ONNX'
    export_model(model, tmp_path / 'model.onnx', image_size=SIZE)
    (tmp_path / 'model.onnx').rename(out)
    extractor = FeatureExtractor(out)
    for copied in (deepcopy(extractor), pickle.loads(pickle.dumps(extractor))):
        np.testing.assert_array_equal(copied(images), extractor(images))


def test_file_for_a_tracker_is_refused(model, tmp_path):
    out = tmp_path / 'reid.onnx'
    export_model(model, out, image_size=SIZE, tracker='ultralytics')
    with pytest.raises(UserError, match='ultralytics'):
        OnnxModel(out)
