import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmengine.config import Config
from torch.nn.functional import cosine_similarity, normalize

from mmcion.apis import export
from mmcion.apis.export import (
    METADATA,
    DeployedModel,
    export_model,
)
from mmcion.apis.export_parity import open_exported, random_crops
from mmcion.apis.zoo import get_model
from mmcion.datasets.transforms import ResizeImage
from mmcion.models import ReIDModel, list_architectures
from mmcion.models.weights import ModelSpec, convert_weights
from mmcion.utils.checks import MissingPackageError, UserError
from mmcion.utils.io import hash_file, read_json

from ..golden import reidzoo_backbone
from ..tiny import DIM  # registers TinyBackbone

# those of the test of tools/analysis_tools/benchmark.py are compared there
FAST = ['repvit_m0_9']
FUSED = ('repvit', 'fastvit')
SIZE = (32, 16)


def golden_model(arch):
    """A model whose features differ between images, as a trained one's."""
    model = get_model(arch)
    state = reidzoo_backbone(arch)
    weights, _ = convert_weights(state, 'reidzoo', arch=arch)
    model.backbone.load_state_dict(weights)
    return model


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = ReIDModel({'type': 'TinyBackbone', 'use_bn': True}).eval()
    model.spec = ModelSpec(
        {'type': 'TinyBackbone', 'use_bn': True},
        source='a test',
        source_sha256='f00',
    )
    return model


def expected(model, images):
    inputs = images.permute(0, 3, 1, 2)
    inputs = model.data_preprocessor({'inputs': inputs})['inputs']
    with torch.no_grad():
        return inputs, model(inputs)


@pytest.mark.parametrize(
    'arch',
    [
        arch if arch in FAST else pytest.param(arch, marks=pytest.mark.slow)
        for arch in list_architectures()
    ],
)
def test_onnx_gives_the_features_of_every_architecture(arch, tmp_path):
    model = golden_model(arch).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}

    report = export_model(model, tmp_path / 'model.onnx')

    after = model.state_dict()
    assert model.training and after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    parity = report['parity']
    print(arch, parity)  # for the record of a run with -s
    assert parity['min_cosine'] >= 0.9999
    # the features of another crop would be noticed
    spread = 1 - parity['cosine_between_crops']
    assert 1 - parity['min_cosine'] < 1e-3 * spread
    assert report['fused'] == arch.startswith(FUSED)
    # again, without what export_model itself compares with
    inputs, feats = expected(model.eval(), random_crops(256, 128, 3, seed=1))
    session = onnxruntime.InferenceSession(tmp_path / 'model.onnx')
    (found,) = session.run(None, {'images': inputs.numpy()})
    cosine = cosine_similarity(torch.from_numpy(found).double(), feats)
    assert cosine.min() >= 0.9999


@pytest.mark.parametrize(
    ('suffix', 'file_format'), [('pt', 'torchscript'), ('pt2', 'torch-export')]
)
def test_other_formats_give_the_same_features(
    suffix, file_format, model, tmp_path
):
    out = tmp_path / f'model.{suffix}'
    report = export_model(model, out, image_size=SIZE)
    assert report['format'] == file_format and report['opset'] is None
    inputs, feats = expected(model, random_crops(*SIZE, 3, seed=1))
    found = open_exported(out, file_format)(inputs)
    torch.testing.assert_close(found, feats)
    about = {METADATA: ''}
    if suffix == 'pt':
        torch.jit.load(out, _extra_files=about)
    else:
        with open(out, 'rb') as stream:
            torch.export.load(stream, extra_files=about)
    assert json.loads(about[METADATA])['mean'] == report['mean']


@pytest.mark.parametrize('suffix', ['onnx', 'pt', 'pt2'])
def test_images_of_any_size_are_resized_inside(suffix, model, tmp_path):
    out = tmp_path / f'model.{suffix}'
    report = export_model(model, out, image_size=SIZE, with_resize=True)
    assert report['input']['resized_inside']
    run = open_exported(out, report['format'])
    for size in ((100, 70), (20, 9), SIZE):
        images = random_crops(*size, 3, seed=1)
        small = ResizeImage(SIZE)({'img': images.permute(0, 3, 1, 2)})['img']
        _, feats = expected(model, small.permute(0, 2, 3, 1))
        torch.testing.assert_close(run(images), feats)


def test_resize_is_that_of_the_models_config(model, tmp_path):
    pipeline = [{'type': 'ResizeImage', 'interpolation': 'bilinear'}]
    loader = {'dataset': {'pipeline': pipeline}}
    model.spec, model.cfg = None, Config({'test_dataloader': loader})
    out = tmp_path / 'model.pt'
    report = export_model(model, out, image_size=SIZE, with_resize=True)
    assert report['resize']['interpolation'] == 'bilinear'
    images = random_crops(100, 70, 3, seed=1)
    planes = {'img': images.permute(0, 3, 1, 2)}
    small = ResizeImage(SIZE, 'bilinear')(planes)['img']
    _, feats = expected(model, small.permute(0, 2, 3, 1))
    found = open_exported(out, report['format'])(images)
    torch.testing.assert_close(found, feats)


def test_preprocessing_and_norm_inside(model, tmp_path):
    out = tmp_path / 'model.onnx'
    report = export_model(
        model, out, image_size=SIZE, with_preprocess=True, l2_norm=True
    )
    images = random_crops(*SIZE, 5, seed=1)
    _, feats = expected(model, images)
    session = onnxruntime.InferenceSession(out)
    (found,) = session.run(['features'], {'images': images.numpy()})
    np.testing.assert_allclose(found, normalize(feats), atol=1e-6)
    assert report['input'] == {
        'name': 'images',
        'layout': 'NHWC',
        'dtype': 'uint8',
        'channel_order': 'RGB',
        'value_range': [0, 255],
        'normalised_inside': True,
        'resized_inside': False,
    }
    assert report['output']['l2_norm']


def test_note_beside_the_file_says_how_to_use_it(model, tmp_path):
    out, weights = tmp_path / 'sub' / 'model.onnx', tmp_path / 'weights.pth'
    weights.write_bytes(b'weights')

    report = export_model(model, out, image_size=SIZE, weights_file=weights)

    note = read_json(tmp_path / 'sub' / 'model.onnx.json')
    assert note == report
    assert note['arch'] is None and note['file'] == 'model.onnx'
    assert note['backbone']['type'] == 'TinyBackbone'
    assert note['input_size'] == list(SIZE)
    assert note['input']['layout'] == 'NCHW'
    assert note['mean'] == [0.485, 0.456, 0.406]
    assert note['std'] == [0.229, 0.224, 0.225]
    assert note['sha256'] == hash_file(out)
    assert note['weights_sha256'] == hash_file(weights)
    assert note['source'] == 'a test' and note['source_sha256'] == 'f00'
    assert note['parity']['crops'] == 9
    assert note['parity']['batches'] == [1, 8]
    content = onnx.load(out)
    (about,) = content.metadata_props
    about = json.loads(about.value)
    measured = {'file', 'sha256', 'parity'}
    assert about == {k: v for k, v in note.items() if k not in measured}
    assert note['resize']['antialias'] and note['output']['dimensions'] == DIM
    assert note['opset'] == content.opset_import[0].version
    batch, *rest = content.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param == 'batch'
    assert [side.dim_value for side in rest] == [3, *SIZE]


def test_int8_is_measured(model, tmp_path):
    report = export_model(
        model, tmp_path / 'model.onnx', image_size=SIZE, int8=True
    )
    small = tmp_path / report['int8']['file']
    assert small.name == 'model.int8.onnx'
    assert report['int8']['sha256'] == hash_file(small)
    inputs, feats = expected(model, random_crops(*SIZE))
    found = open_exported(small, 'onnx')(inputs)
    # activations are scaled by batch: 1 and 8 were measured, 9 are tried
    cosine = cosine_similarity(found, feats).min().item()
    assert cosine == pytest.approx(report['int8']['min_cosine'], abs=1e-3)
    assert 0.9 < cosine < 1 - 1e-7


def test_other_features_leave_no_file(model, tmp_path, monkeypatch):
    out = tmp_path / 'model.onnx'
    out.write_text('of before')

    def opened(path, file_format):
        assert path.is_file()
        return lambda images: open_exported(path, file_format)(images) + 1

    monkeypatch.setattr(export, 'open_exported', opened)
    with pytest.raises(UserError, match='the onnx file gives other feat'):
        export_model(model, out, image_size=SIZE, int8=True)
    assert [path.name for path in tmp_path.iterdir()] == ['model.onnx']
    assert out.read_text() == 'of before'


def test_fusing_that_changes_features_is_refused(model, tmp_path, monkeypatch):
    def spoil(deployed):
        deployed.model.backbone[0].weight.neg_()
        return True

    monkeypatch.setattr(export.DeployedModel, 'fuse', spoil)
    with pytest.raises(UserError, match='fused branches gives other'):
        export_model(model, tmp_path / 'model.onnx', image_size=SIZE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['onnx', 'onnxruntime', 'onnxscript'])
def test_missing_packages_are_named(name, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    message = rf'ONNX .*{name}.*mmcion\[export'
    with pytest.raises(MissingPackageError, match=message):
        export_model(model, tmp_path / 'model.onnx', image_size=SIZE)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'image_size': (-1, 5)}, r'image_size .* got \(-1, 5\)'),
        ({'image_size': 128}, 'image_size .* got 128'),
        (
            {'crops': torch.zeros(9, 3, 32, 16)},
            r'uint8 \(N, H, W, 3\), .* \(32, 16\); got torch.float32',
        ),
        (
            {'crops': random_crops(*SIZE, 8)},
            r'at least 9, .*\(8, 32, 16, 3\)',
        ),
        ({'crops': random_crops(*SIZE, 1).expand(9, -1, -1, -1)}, 'trained'),
    ],
)
def test_wrong_options_are_refused(options, message, model, tmp_path):
    with pytest.raises(UserError, match=message):
        export_model(
            model, tmp_path / 'model.onnx', **{'image_size': SIZE, **options}
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['a.caffe', 'a', 'a.onnx.gz', 'a.onnx.data'])
def test_suffix_decides_the_format(name, model, tmp_path):
    suffix = Path(name).suffix
    with pytest.raises(
        UserError, match=rf"^suffix of \S+ must .*'\.onnx'.* got '{suffix}'"
    ):
        export_model(model, tmp_path / name, image_size=SIZE)


@pytest.mark.parametrize('options', [{'int8': True}, {'tracker': 'boxmot'}])
def test_what_needs_onnx_is_named(options, model, tmp_path):
    message = r'^int8 and trackers need a file \.onnx; got .*a\.pt'
    with pytest.raises(UserError, match=message):
        export_model(model, tmp_path / 'a.pt', image_size=SIZE, **options)


def test_folder_is_no_file_to_write(model, tmp_path):
    with pytest.raises(UserError, match="suffix .* got ''"):
        export_model(model, tmp_path, image_size=SIZE)


def test_weights_are_not_overwritten(model, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    weights, link = tmp_path / 'a.pth', tmp_path / 'link.pth'
    weights.write_bytes(b'weights')
    link.symlink_to(weights)
    for out, given in (
        (weights, weights),
        (link, weights),
        (tmp_path / '.' / 'a.pth', str(link)),
        (weights, '~/a.pth'),
    ):
        with pytest.raises(UserError, match='is the file that is read'):
            export_model(model, out, image_size=SIZE, weights_file=given)
    assert weights.read_bytes() == b'weights'


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
    deployed = DeployedModel(golden_model(arch))
    images = torch.randn(2, 3, 128, 64)
    expected = deployed(images)

    assert deployed.fuse()

    error = (deployed(images) - expected).abs().max()
    assert error < 1e-5 * expected.abs().max()
    names = [name for name, _ in deployed.named_modules()]
    assert not any('identity' in name for name in names)


def test_nothing_to_fuse():
    assert not DeployedModel(get_model('ghostnet_0_5')).fuse()
