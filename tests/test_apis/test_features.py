import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

import mmcion
from mmcion.apis import extract, features
from mmcion.apis.features import (
    FeatureExtractor,
    inference_model,
    input_size,
)
from mmcion.apis.zoo import get_model, init_model
from mmcion.datasets import UnreadableImageError
from mmcion.models import ReIDModel
from mmcion.models.weights import ModelSpec, save_model_file
from mmcion.structures import FeatureStore, ReIDDataSample, TrackletTable
from mmcion.utils.checks import UserError

from ..tiny import DIM, write_image
from ..tool_utils import ROOT, run_tool

ARCH = 'ghostnet_0_5'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Seven images of several sizes, some in a folder below."""
    folder = tmp_path_factory.mktemp('images')
    for i in range(7):
        name = f'below/{i}.png' if i % 2 else f'{i}.png'
        write_image(folder / name, seed=i, size=(20 + 3 * i, 12))
    return folder


@pytest.fixture(scope='module')
def model_file(tmp_path_factory):
    return save_model_file(
        tmp_path_factory.mktemp('model') / 'a.pth',
        get_model(ARCH),
        ModelSpec.from_architecture(
            ARCH,
            input_size=(64, 32),
            mean=(0.4, 0.5, 0.6),
            std=(0.2, 0.3, 0.4),
        ),
    )


def tiny_model():
    torch.manual_seed(0)
    return ReIDModel({'type': 'mmcion.TinyBackbone', 'use_bn': True})


def tiny_extractor(**options):
    return FeatureExtractor(tiny_model(), **{'image_size': (16, 8), **options})


def test_as_computed_by_hand(folder, model_file):
    extractor = FeatureExtractor(model_file, device='cpu', normalize=False)
    feats = extractor(folder / '0.png')

    model = get_model(ARCH, pretrained=model_file)
    image = cv2.imread(str(folder / '0.png'))[..., ::-1].copy()
    image = torch.from_numpy(image).permute(2, 0, 1)
    image = nn.functional.interpolate(
        image[None].float(), (64, 32), mode='bicubic', antialias=True
    )
    image = image.round().clamp(0, 255) / 255
    mean, std = ([0.4, 0.5, 0.6], [0.2, 0.3, 0.4])
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (mean, std))
    with torch.no_grad():
        expected = model((image - mean) / std)
    assert feats.dtype == np.float32
    assert feats.shape == (1, 1280)
    torch.testing.assert_close(
        torch.from_numpy(feats), expected, rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize('batch_size', [1, 3, 64])
@pytest.mark.usefixtures('worker_processes')
def test_files_arrays_and_tensors_give_the_same(folder, batch_size):
    extractor = tiny_extractor(batch_size=batch_size)
    paths = sorted(folder.rglob('*.png'))
    bgr = [cv2.imread(str(path)) for path in paths]
    tensors = [torch.from_numpy(x[..., ::-1].copy()) for x in bgr]
    tensors = [x.permute(2, 0, 1) for x in tensors]

    feats = extractor(folder)
    one_by_one = np.concatenate([extractor(str(path)) for path in paths])

    assert feats.shape == (7, DIM)
    np.testing.assert_allclose(np.linalg.norm(feats, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(feats, one_by_one, atol=1e-6)
    for images, order in (
        (paths, None),
        (bgr, 'bgr'),
        ([x[..., ::-1] for x in bgr], 'rgb'),
        (tensors, None),
        ([x / 255 for x in tensors], None),
    ):
        again = extractor(images, channel_order=order)
        np.testing.assert_allclose(feats, again, atol=1e-6)


def test_wrong_channel_order_gives_other_features(folder):
    extractor = tiny_extractor()
    image = cv2.imread(str(folder / '0.png'))
    right = extractor(image, channel_order='bgr')
    wrong = extractor(image, channel_order='rgb')
    assert np.abs(right - wrong).max() > 1e-3
    with pytest.raises(UserError, match='needs channel_order'):
        extractor(image)


def test_no_image_gives_no_row():
    assert tiny_extractor()([]).shape == (0, DIM)


def test_features_may_keep_their_length(folder):
    raw = tiny_extractor(normalize=False)(folder)
    unit = tiny_extractor()(folder)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(raw / lengths, unit, atol=1e-6)
    assert np.abs(lengths - 1).max() > 0.01


def test_image_size(folder, model_file):
    sizes = []
    model = get_model(ARCH, pretrained=model_file)
    model.register_forward_pre_hook(
        lambda _, args: sizes.append(tuple(args[0].shape[2:]))
    )
    FeatureExtractor(model)(folder / '0.png')
    FeatureExtractor(model, image_size=(96, 48))(folder / '0.png')
    assert input_size(model) == (64, 32)
    model.spec = None
    FeatureExtractor(model)(folder / '0.png')
    assert sizes == [(64, 32), (96, 48), (256, 128)]


def test_any_network_gets_imagenets_normalisation(folder):
    class Means(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    image = torch.full((3, 16, 8), 51, dtype=torch.uint8)
    feats = FeatureExtractor(Means(), normalize=False)(image)
    expected = (0.2 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(feats[0], expected, atol=1e-5)
    maps = FeatureExtractor(nn.Identity(), normalize=False)(image)
    np.testing.assert_allclose(maps, feats, atol=1e-5)


def test_name_takes_the_weights_of_the_zoo(
    tmp_path, monkeypatch, folder, model_file
):
    monkeypatch.delenv('MMCION_ZOO', raising=False)
    with pytest.raises(FileNotFoundError, match='is gated'):
        mmcion.FeatureExtractor(f'cion_{ARCH}')
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    zoo_file = tmp_path / f'cion_{ARCH}.pth'
    zoo_file.write_bytes(model_file.read_bytes())
    feats = FeatureExtractor(f'cion_{ARCH}')(folder)
    np.testing.assert_array_equal(feats, FeatureExtractor(model_file)(folder))
    by_path = FeatureExtractor(ARCH, pretrained=model_file)(folder)
    np.testing.assert_array_equal(feats, by_path)
    assert FeatureExtractor(ARCH, pretrained=False)(folder).shape == (7, 1280)


def test_mistakes():
    with pytest.raises(UserError, match='batch_size'):
        FeatureExtractor(tiny_model(), batch_size=0)
    with pytest.raises(UserError, match='got None'):
        FeatureExtractor(None)


def test_model_of_a_config_follows_its_pipeline(folder):
    config = ROOT / 'configs' / 'eval' / 'zero-shot_color-stripes_128x64.py'
    extractor = FeatureExtractor(init_model(config))
    assert extractor.pipeline[1]['size'] == (128, 64)
    assert len(extractor(folder)) == 7
    by_path = FeatureExtractor(config, pretrained=False)
    np.testing.assert_array_equal(by_path(folder), extractor(folder))
    other = FeatureExtractor(init_model(config), image_size=(64, 32))
    assert other.pipeline[1]['size'] == (64, 32)
    assert extractor.pipeline[1]['size'] == (128, 64)


@pytest.mark.parametrize('kind', ['MultiCrop', 'mmcion.MultiCrop'])
def test_model_of_a_training_takes_the_size_of_its_views(kind):
    name = 'cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
    model = tiny_model()
    model.cfg = Config.fromfile(ROOT / 'configs' / 'cion' / name)
    crop = model.cfg.train_dataloader.dataset.pipeline[1]
    crop.type = kind
    assert FeatureExtractor(model).pipeline[1]['size'] == (128, 64)
    extractor = FeatureExtractor(model, image_size=(64, 32))
    assert extractor.pipeline[1]['size'] == (64, 32)
    del crop['global_size']
    assert FeatureExtractor(model).pipeline[1]['size'] == (256, 128)
    model.cfg.pop('train_dataloader')
    assert FeatureExtractor(model).pipeline[1]['size'] == (256, 128)


@pytest.mark.parametrize('size', [128, 0, (0, 0), (-1, 5)])
def test_wrong_image_size(size):
    with pytest.raises(UserError, match=r'image_size must be \(H, W\)'):
        FeatureExtractor(tiny_model(), image_size=size)


def test_damaged_image_is_named(tmp_path):
    path = write_image(tmp_path / 'a.png')
    path.write_bytes(b'nothing')
    with pytest.raises(UnreadableImageError, match=r'a\.png is not'):
        tiny_extractor()(path)


def test_long_work_has_a_progress_bar(folder, monkeypatch, capsys):
    extractor = tiny_extractor()
    extractor(folder)
    assert capsys.readouterr().err == ''
    monkeypatch.setattr(features, '_LONG', 5)
    extractor(folder)
    assert '7/7' in capsys.readouterr().err


def test_folder_to_the_disk(folder, tmp_path, monkeypatch):
    extractor = tiny_extractor()
    store = extractor.extract_folder(folder, tmp_path / 'out')

    feats = extractor(folder)
    # float16 keeps 11 bits
    np.testing.assert_allclose(store[:], feats, atol=2**-11)
    names = [p.relative_to(folder) for p in sorted(folder.rglob('*.png'))]
    assert store.meta['names'] == [name.as_posix() for name in names]
    assert store.meta['folder'] == str(folder.resolve())
    assert isinstance(store._features, np.memmap)
    opened = FeatureStore.open(tmp_path / 'out')
    np.testing.assert_array_equal(opened[:], store[:])

    assert extractor.identity().items() <= store.meta.items()

    # the same again is there already, and another model is not taken for it
    with monkeypatch.context() as patch:
        patch.setattr(extract, '_features', None)
        extractor.extract_folder(folder, tmp_path / 'out')
        same = tiny_extractor(image_size=[16, 8])
        same.extract_folder(folder, tmp_path / 'out')
    larger = tiny_extractor(image_size=(32, 16))
    with pytest.raises(UserError, match=r'settings\.pipeline'):
        larger.extract_folder(folder, tmp_path / 'out')
    again = larger.extract_folder(folder, tmp_path / 'out', overwrite=True)
    np.testing.assert_allclose(again[:], larger(folder), atol=2**-11)
    other = tiny_model()
    other.backbone[0].bias.data += 1
    other = FeatureExtractor(other, image_size=(16, 8))
    again = other.extract_folder(folder, tmp_path / 'out', overwrite=True)
    assert np.abs(again[:] - feats).max() > 0.01


def test_same_as_the_tool(folder, model_file, tmp_path):
    paths = sorted(folder.rglob('*.png'))
    rows = np.arange(len(paths))
    TrackletTable.from_columns(
        video_id=np.zeros_like(rows),
        tracklet_id=np.zeros_like(rows),
        frame=rows,
        path=[path.relative_to(folder).as_posix() for path in paths],
        image_root=folder,
    ).save(tmp_path / 'table')
    config = tmp_path / 'config.py'
    config.write_text(
        """
model = dict(
    type='ReIDModel',
    data_preprocessor=dict(
        type='ReIDDataPreprocessor',
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.3, 0.4),
    ),
    backbone=dict(type='GhostNet', arch='0_5'),
)
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(64, 32)),
    dict(type='PackReIDInputs'),
]))
"""
    )
    done = run_tool(
        *('extract_features.py', 'table', '--out', 'features'),
        *('--config', config, '--checkpoint', model_file),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    store = FeatureStore.open(tmp_path / 'features')

    feats = FeatureExtractor(model_file)(folder)
    np.testing.assert_allclose(store[:], feats, atol=2**-11)
    by_config = FeatureExtractor(init_model(config, model_file))(folder)
    np.testing.assert_array_equal(by_config, feats)


def test_one_image_gives_a_sample_and_several_a_list(config, tmp_path):
    model = init_model(config)
    path = write_image(tmp_path / 'images' / 'a.png')
    one = mmcion.inference_model(model, path)
    assert isinstance(one, ReIDDataSample)
    assert one.feature.dtype == torch.float32
    assert one.img_path == str(path)
    for images in ([path], path.parent, str(path.parent)):
        several = inference_model(model, images)
        assert len(several) == 1
        assert torch.equal(several[0].feature, one.feature)
    array = np.zeros((4, 4, 3), np.uint8)
    sample = inference_model(model, array, channel_order='rgb')
    assert sample.feature.shape == (DIM,)
    stack = inference_model(model, array[None], channel_order='rgb')
    assert torch.equal(stack[0].feature, sample.feature)


def test_features_are_those_of_predict(config, tmp_path):
    model = init_model(config)
    image = torch.randint(0, 256, (3, 16, 8), dtype=torch.uint8)
    expected = model.test_step(
        {'inputs': image[None], 'data_samples': [ReIDDataSample()]}
    )
    sample = inference_model(model, image)
    assert torch.equal(sample.feature, expected[0].feature)


@pytest.mark.parametrize('wrapped', [False, True])
def test_module_in_train_mode_is_left_as_it_was(folder, tmp_path, wrapped):
    model = tiny_model()
    module = nn.Sequential(model.backbone) if wrapped else model
    module.train()
    model.backbone[2].eval()
    modes = [each.training for each in module.modules()]
    before = {k: v.clone() for k, v in module.state_dict().items()}
    extractor = FeatureExtractor(module, image_size=(16, 8))
    single = np.concatenate([extractor(p) for p in sorted(folder.glob('*'))])
    together = extractor(sorted(folder.glob('*.png')))
    np.testing.assert_allclose(single[: len(together)], together, atol=1e-6)
    extractor.extract_folder(folder, tmp_path / 'out')
    inference_model(module, folder / '0.png')
    mmcion.ReIDInferencer(extractor).compare(*[folder / '0.png'] * 2)
    assert [each.training for each in module.modules()] == modes
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'device': 'cuda:99'}, 'cuda:99'),
        ({'device': 'gpu'}, "'gpu'"),
        ({'batch_size': 2.5}, r'batch_size .* got 2\.5'),
        ({'num_workers': -1}, 'num_workers .* got -1'),
        ({'normalize': 'no'}, "normalize .* got 'no'"),
        ({'pipeline': 'LoadImage'}, "pipeline .* got 'LoadImage'"),
    ],
)
def test_wrong_options_are_named(options, named):
    with pytest.raises(UserError, match=named):
        tiny_extractor(**options)
