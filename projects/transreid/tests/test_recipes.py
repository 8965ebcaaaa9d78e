"""Both recipes from a pre-training to a model file, by the command line."""

import csv
import json

import numpy as np
import onnx
import pytest
from mmengine.config import Config

import mmcion
from mmcion.models.weights import read_checkpoint, read_model_file
from mmcion.structures import ReIDFeatures
from mmcion.utils.checks import UserError
from mmcion.utils.io import read_json
from tests.dist_utils import run_on_ranks
from tests.golden import DATA
from tests.tiny import write_identities, write_image
from tests.tool_utils import call_main
from tests.training_utils import (
    assert_same,
    load,
    losses,
    train_on_rank,
    train_options,
)

from .test_configs import ROOT

NUM_PIDS, SIZE, DIM = 6, (64, 32), 192
RECIPES = {
    'cion': ('cion/fine-tune_vit-tiny_1xb512-120e_market1501.py', {}),
    'transreid': (
        'transreid/transreid_vit-small-ics_1xb64-120e_market1501.py',
        {'model.backbone.arch': 'vit_tiny'},
    ),
}
SMALL = {
    'train_dataloader.batch_size': 8,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'train_cfg.max_epochs': 2,
    'train_cfg.val_interval': 2,
    'default_hooks.checkpoint.interval': 1,
    'default_hooks.logger.interval': 1,
}


def options(**values):
    return (
        '--cfg-options',
        *(f'{key}={value}' for key, value in values.items()),
    )


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """A CSV; camera 2 is in the gallery alone."""
    folder = tmp_path_factory.mktemp('images')
    rows = [('path', 'pid', 'cam_id', 'split')]
    for split, number in (('train', 4), ('query', 1), ('gallery', 2)):
        for row in range(number * NUM_PIDS):
            name, image = f'{split}{row}.png', row // NUM_PIDS
            write_image(folder / name, seed=len(rows))
            cam = image % 2 + (split == 'gallery')
            rows.append((name, row % NUM_PIDS, cam, split))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)
    return folder / 'images.csv'


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """A checkpoint of CION."""
    folder = tmp_path_factory.mktemp('pretrained')
    cfg = Config.fromfile(DATA / 'tiny_train.py')
    cfg.model.backbone = {'type': 'VisionTransformerICS', 'arch': 'tiny'}
    cfg.model.projector.in_channels = DIM
    cfg.dump(folder / 'config.py')
    call_main(
        *('train.py', folder / 'config.py', '--work-dir', folder),
        *('--image-size', *SIZE),
        *options(
            **train_options(write_identities(folder / 'crops'), folder),
            **{'train_cfg.max_epochs': 1},
        ),
    )
    return folder / 'epoch_1.pth'


def train(recipe, images, pretrained, work_dir, *arguments):
    name, settings = RECIPES[recipe]
    call_main(
        *('train.py', ROOT / name, '--work-dir', work_dir, '--data', images),
        *('--image-size', *SIZE, *arguments),
        *options(
            **SMALL,
            **settings,
            **{
                'model.backbone_checkpoint': pretrained,
                'experiment_name': f'{recipe}_{work_dir.name}',
            },
        ),
    )


@pytest.fixture(scope='module', params=RECIPES)
def chain(request, images, pretrained, tmp_path_factory):
    """Name of the recipe, and the folder of its run."""
    folder = tmp_path_factory.mktemp(request.param)
    train(request.param, images, pretrained, folder)
    return request.param, folder


def evaluate(folder, name, **settings):
    out = folder / f'{name}.npz'
    call_main(
        *('test.py', folder / 'epoch_2.pth', '--work-dir', folder / name),
        *('--dump-features', out, '--out', folder / f'{name}.json'),
        *options(**settings, experiment_name=f'{folder.name}_{name}'),
    )
    return ReIDFeatures.load(out)


@pytest.fixture(scope='module')
def model_file(chain):
    """A calibrated model file, and the features that it gives."""
    recipe, folder = chain
    settings = {'model.backbone.test_cameras': False}
    features = evaluate(
        folder, 'alone', **(settings if recipe == 'transreid' else {})
    )
    call_main(
        *('model_converters/publish_model.py', folder / 'epoch_2.pth'),
        *('--out', folder / 'published.pth'),
    )
    (published,) = folder.glob('published_*.pth')
    call_main(
        *('analysis_tools/calibrate_threshold.py', folder / 'alone.npz'),
        *(published, '--false-match-rate', 0.2),
        *('--out', folder / 'model.pth'),
    )
    return folder / 'model.pth', features


def test_training_starts_from_the_pretraining_and_learns(chain, pretrained):
    recipe, folder = chain
    start = read_checkpoint(pretrained)['state_dict']
    prefix = 'backbone.vit.' if recipe == 'transreid' else 'backbone.'
    state = load(folder)['state_dict']
    name = 'model.blocks.0.mlp.fc1.weight'
    before, after = start[f'teacher.backbone.{name}'], state[prefix + name]
    change = (after - before).norm() / before.norm()
    assert 0 < change < 0.1
    assert np.isfinite(losses(load(folder))).all()
    assert not state['neck.bn.bias'].any()
    # nothing is chosen by the scores on the way
    assert not list(folder.glob('best*'))
    text = load(folder)['meta']['cfg']
    assert 'num_classes=6' in text.replace(' ', '')
    if recipe == 'transreid':
        assert state['backbone.side.table'].shape == (2, DIM)


def test_resume_equals_no_interruption(chain, images, pretrained, tmp_path):
    recipe, folder = chain
    train(
        *(recipe, images, pretrained, tmp_path),
        *('--resume', folder / 'epoch_1.pth'),
    )
    resumed, expected = load(tmp_path), load(folder)
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_model_file_gives_the_features_of_a_test(chain, model_file):
    recipe, _ = chain
    path, features = model_file
    width = DIM * (5 if recipe == 'transreid' else 1)
    assert features.feature.shape == (3 * NUM_PIDS, width)
    extractor = mmcion.FeatureExtractor(path, 'cpu', normalize=False)
    found = extractor([str(each) for each in features.img_path])
    np.testing.assert_allclose(found, features.feature, atol=1e-4)
    _, spec = read_model_file(path)
    assert spec.resize['interpolation'] == 'bilinear'
    assert tuple(spec.mean) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize('resize', [(), ('--with-resize',)])
def test_onnx_has_the_neck(chain, model_file, resize):
    path, _ = model_file
    out = path.with_suffix('.onnx')
    call_main(
        *('export_model.py', path, '--out', out, '--normalize', '--overwrite'),
        *resize,
    )
    assert read_json(f'{out}.json')['parity']['max_abs_diff'] < 1e-5
    (about,) = onnx.load(out).metadata_props
    about = json.loads(about.value)
    assert about['neck'] is not None
    assert about['resize']['interpolation'] == 'bilinear'


# CION's recipe knows no cameras
@pytest.mark.parametrize('chain', ['transreid'], indirect=True)
def test_cameras_change_a_test_but_no_model_file(chain, model_file):
    _, folder = chain
    _, alone = model_file
    known = evaluate(folder, 'known')
    same = (known.feature == alone.feature).all(1)
    # camera 2 was not in the training
    np.testing.assert_array_equal(same, known.cam_id == 2)
    published = next(folder.glob('published_*.pth'))
    with pytest.raises(UserError, match='was not extracted with'):
        call_main(
            *('analysis_tools/calibrate_threshold.py', folder / 'known.npz'),
            *(published, '--false-match-rate', 0.2),
            *('--out', folder / 'other.pth'),
        )
    with pytest.raises(UserError, match='camera 2'):
        evaluate(folder, 'error', **{'model.backbone.unseen_camera': 'error'})


def test_two_ranks_learn_the_same(chain, tmp_path):
    recipe, folder = chain
    (config,) = folder.glob('*.py')
    settings = {
        'train_dataloader.batch_size': 4,
        'train_dataloader.batch_sampler.num_instances': 2,
        'train_cfg.max_epochs': 1,
        'experiment_name': f'{recipe}_ranks',
    }
    first, second = run_on_ranks(train_on_rank, config, tmp_path, settings)
    # the statistics of batch normalisation are of the own images
    for state in (first, second):
        for name in [n for n in state if 'running' in n]:
            del state[name]
    assert_same(first, second)
