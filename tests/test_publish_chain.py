"""Pre-train, fine-tune, test, publish, calibrate, export: one network.

All by the command line, with a network of this repository and with one that
a user registers elsewhere; in the end the features and the decision of
onnxruntime alone, by the lines in the documentation.
"""

import csv
import json
import re
import shutil

import numpy as np
import onnx
import pytest
from mmengine.config import Config
from PIL import Image

import mmcion
from mmcion.apis.cam import activation_maps
from mmcion.models.weights import read_model_file
from mmcion.structures import FeatureStore, ReIDFeatures, TrackletTable
from tests.golden import DATA
from tests.page_utils import read_blocks
from tests.tiny import DIM, write_identities, write_image
from tests.tool_utils import ROOT, call_main, run_tool

SIZE, EMBED = (16, 8), 6
OUTSIDE = f"""
from torch import nn
from mmcion.registry import MODELS

@MODELS.register_module(force=True)
class OutsideBackbone(nn.Sequential):
    def __init__(self, width):
        super().__init__(
            nn.Conv2d(3, width, 3, 2, 1), nn.GELU(), nn.Conv2d(width, {DIM}, 1)
        )
"""
NETWORKS = {
    'inside': ('tests.tiny', {'type': 'TinyBackbone'}),
    'outside': ('outside_network', {'type': 'OutsideBackbone', 'width': 5}),
}
FINE_TUNE = f"""
_base_ = {str(ROOT / 'configs/_base_/default_runtime.py')!r}
model = dict(
    type='ReIDModel',
    other_statistics=True,
    data_preprocessor=dict(
        type='ReIDDataPreprocessor', mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)
    ),
    neck=dict(type='BNNeck', in_channels={DIM}, embed_dims={EMBED}),
    head=dict(type='ReIDHead', in_channels={EMBED}, num_classes=8),
)
pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size={SIZE}),
    dict(type='PackReIDInputs'),
]
dataset = dict(type='ReIDDataset', pipeline=pipeline)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='IdentitySampler', num_instances=2),
    dataset=dict(**dataset, split='train'),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dataset,
)
test_evaluator = dict(type='ReIDMetric')
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
train_cfg = dict(by_epoch=True, max_epochs=1)
"""


@pytest.fixture(scope='module', params=NETWORKS)
def chain(request, tmp_path_factory):
    """Folder with the results of both trainings, the test and the tools."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / 'outside_network.py').write_text(OUTSIDE)
    module, backbone = NETWORKS[request.param]
    crops = write_identities(folder / 'crops', (4,) * 8)
    rows = [('path', 'pid', 'cam_id', 'split')]
    for split, number in (('train', 32), ('query', 8), ('gallery', 8)):
        for row in range(number):
            name = f'{split}{row}.png'
            write_image(folder / name, seed=len(rows))
            rows.append((name, row % 8, int(split == 'gallery'), split))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.chdir(folder)
        (folder / 'tune.py').write_text(FINE_TUNE)
        for name, base in (
            ('pretrain', DATA / 'tiny_train.py'),
            ('fine-tune', folder / 'tune.py'),
        ):
            cfg = Config.fromfile(base, import_custom_modules=False)
            cfg.custom_imports = {'imports': [module]}
            cfg.model.backbone = backbone
            data = (
                (crops / 'annotation', crops)
                if name == 'pretrain'
                else (folder / 'images.csv', folder)
            )
            for loader in ('train_dataloader', 'test_dataloader'):
                if loader in cfg:
                    cfg[loader].dataset.update(
                        ann_file=str(data[0]), data_root=str(data[1])
                    )
            cfg.dump(folder / f'{name}.py')
        call_main(
            *('train.py', 'pretrain.py', '--work-dir', 'pretrain'),
            *('--cfg-options', 'train_cfg.max_epochs=1'),
        )
        start = 'model.backbone_checkpoint=pretrain/epoch_1.pth'
        call_main(
            *('train.py', 'fine-tune.py', '--work-dir', 'fine-tune'),
            *('--cfg-options', start),
        )
        call_main(
            *('test.py', 'fine-tune.py', 'fine-tune/epoch_1.pth'),
            *('--work-dir', 'test', '--dump-features', 'features.npz'),
        )
        call_main(
            *('model_converters/publish_model.py', 'fine-tune/epoch_1.pth'),
            *('--out', 'published.pth'),
        )
        (published,) = folder.glob('published_*.pth')
        call_main(
            *('analysis_tools/calibrate_threshold.py', 'features.npz'),
            *(published, '--false-match-rate', 0.2, '--out', 'model.pth'),
        )
        yield folder


@pytest.fixture
def images(chain):
    return [str(f) for f in ReIDFeatures.load(chain / 'features.npz').img_path]


@pytest.fixture
def expected(chain):
    """Features that were evaluated."""
    features = ReIDFeatures.load(chain / 'features.npz').feature
    assert features.shape == (16, EMBED)
    return features


def test_every_file_gives_the_evaluated_features(chain, images, expected):
    _, spec = read_model_file(chain / 'model.pth')
    assert spec.neck['embed_dims'] == EMBED
    assert spec.threshold['false_match_rate'] == 0.2
    assert spec.training_config == 'fine-tune'
    for path in ('fine-tune/epoch_1.pth', 'model.pth'):
        extractor = mmcion.FeatureExtractor(path, 'cpu', normalize=False)
        np.testing.assert_allclose(extractor(images), expected, atol=1e-4)
        maps = activation_maps(mmcion.get_model(path), images)
        assert maps.images.shape == (16, *SIZE, 3)


def test_features_of_a_table_are_the_evaluated_ones(chain, images, expected):
    rows = np.arange(16)
    TrackletTable.from_columns(
        video_id=rows, tracklet_id=rows, frame=rows, path=images
    ).save(chain / 'table')
    for number, given in enumerate(
        (
            ['--checkpoint', 'model.pth'],
            ['--checkpoint', 'fine-tune/epoch_1.pth'],
            ['--config', 'fine-tune.py', '--checkpoint', 'model.pth'],
            [
                *('--config', 'fine-tune.py'),
                *('--checkpoint', 'fine-tune/epoch_1.pth'),
            ],
        )
    ):
        out = f'features{number}'
        call_main(
            *('extract_features.py', 'table', *given, '--out', out),
            *('--num-workers', 0),
        )
        found = FeatureStore.open(chain / out)[:].astype(np.float32)
        norm = np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(found, expected / norm, atol=1e-3)


@pytest.mark.parametrize(
    'resize', [(), pytest.param(('--with-resize',), marks=pytest.mark.slow)]
)
def test_documented_lines_decide_as_the_model_does(
    chain, images, expected, resize
):
    call_main(
        *('export_model.py', 'model.pth', '--out', 'model.onnx'),
        *('--overwrite', '--with-preprocess', '--normalize', *resize),
    )
    blocks = read_blocks('docs/model_files.md', 'python')
    (lines,) = (x.text for x in blocks if 'onnxruntime' in x.text)
    if resize:
        lines = re.sub(r'\.resize\(.*?how\)', '', lines, flags=re.DOTALL)
    inferencer = mmcion.ReIDInferencer('model.pth', device='cpu')
    units = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    # the pixels that the model sees, without and with the resize: Pillow and
    # torchvision differ by one level in a few, of the 128 that there are
    small = activation_maps(mmcion.get_model('model.pth'), images).images
    decisions = set()
    for first, second in ((0, 1), (0, 8), (2, 12), (5, 6)):
        compared = inferencer.compare(images[first], images[second])
        for exact in (True, False):
            for name, row in (('a.jpg', first), ('b.jpg', second)):
                shutil.copy(images[row], name)
                if exact:
                    Image.fromarray(small[row]).save(name, format='png')
            names = {}
            exec(lines, names)
            found = np.stack((names['a'], names['b']))
            np.testing.assert_allclose(
                found, units[[first, second]], atol=1e-4 if exact else 2e-3
            )
            assert names['same_person'] == compared['same']
        decisions.add(compared['same'])
    assert decisions == {True, False}
    (about,) = onnx.load('model.onnx').metadata_props
    about = json.loads(about.value)
    _, spec = read_model_file('model.pth')
    assert about['threshold'] == spec.threshold
    assert about['neck'] == spec.neck


def test_checkpoint_is_evaluated_by_its_path(chain, expected):
    # a config states `resume` after a training that was started with it
    call_main(
        *('test.py', 'fine-tune/epoch_1.pth', '--work-dir', 'fine-tune'),
        *('--dump-features', 'alone.npz', '--cfg-options', 'resume=True'),
    )
    found = ReIDFeatures.load(chain / 'alone.npz').feature
    np.testing.assert_array_equal(found, expected)


def test_other_tools_open_the_checkpoint(chain, images, capsys):
    for path in ('fine-tune/epoch_1.pth', 'model.pth'):
        call_main('analysis_tools/get_flops.py', path)
        call_main(
            *('analysis_tools/benchmark.py', path, '--batch-sizes', 1),
            *('--repeats', 1, '--warmup', 1),
        )
        call_main(
            *('analysis_tools/vis_cam.py', path, images[0], '--out', 'a.png'),
            *('--device', 'cpu'),
        )
    assert capsys.readouterr().out.count('16x8') == 2


def test_pretraining_gives_the_teachers_backbone(chain):
    call_main(
        *('model_converters/publish_model.py', 'pretrain/epoch_1.pth'),
        *('--out', 'backbone.pth'),
    )
    (published,) = chain.glob('backbone_*.pth')
    images = [chain / 'query0.png', chain / 'query1.png']
    features = [
        mmcion.FeatureExtractor(each, 'cpu')(images)
        for each in (chain / 'pretrain/epoch_1.pth', published)
    ]
    assert features[0].shape == (2, DIM)
    np.testing.assert_array_equal(*features)
    published.unlink()


@pytest.mark.slow
def test_fresh_process_imports_only_what_is_allowed(chain, tmp_path):
    shutil.copy(chain / 'outside_network.py', tmp_path)
    command = (
        *('export_model.py', chain / 'model.pth', '--out', 'a.onnx'),
        '--normalize',
    )
    if chain.name.startswith('outside'):
        done = run_tool(*command, cwd=tmp_path)
        assert done.returncode == 1
        assert '--custom-imports' in done.stderr
    done = run_tool(*command, '--custom-imports', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
