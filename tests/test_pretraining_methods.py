"""What every method of pre-training can do, on tiny data."""

import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.config import Config

import mmcion
from mmcion.models.utils import pooled_feature
from mmcion.models.weights import read_checkpoint
from mmcion.registry import MODELS
from tests.dist_utils import run_on_ranks
from tests.golden import DATA
from tests.tool_utils import call_main
from tests.training_utils import (
    assert_same,
    losses,
    train,
    train_on_rank,
    train_options,
)

# of tests/data; all train for 2 x 4 batches of 8 images
METHODS = [
    'tiny_train',
    'tiny_dino',
    'tiny_moco',
    'tiny_pnl',
    'tiny_up_reid',
    'tiny_mmgl',
]
# where two ranks with half of the batch each end where one process does: the
# order of a queue or of prototypes is another one
EQUAL_RANKS = {'tiny_train', 'tiny_dino'}
# where they do not: a rank compares its own images, and draws for itself
OWN_RANKS = {'tiny_mmgl'}
ACCUMULATE = {
    'optim_wrapper.accumulative_counts': 2,
    'default_hooks.checkpoint.by_epoch': False,
    'default_hooks.checkpoint.max_keep_ckpts': -1,
}


def slow_but(method):
    """Run one method always, the others with the slow tests."""
    return [
        pytest.param(m, marks=() if m == method else pytest.mark.slow)
        for m in METHODS
    ]


@pytest.fixture(scope='module')
def run_of(crops, tmp_path_factory):
    """Work folder of a method's run with two batches a step."""
    folders = {}

    def run(method):
        if method not in folders:
            folders[method] = tmp_path_factory.mktemp(method)
            config = f'{method}.py'
            train(crops, folders[method], config=config, **ACCUMULATE)
        return folders[method]

    return run


def load(work_dir, iteration=8):
    return read_checkpoint(work_dir / f'iter_{iteration}.pth')


@pytest.mark.parametrize('method', METHODS)
def test_resume_within_a_step_equals_no_interruption(
    method, crops, run_of, tmp_path
):
    full = run_of(method)
    train(
        *(crops, tmp_path, '--resume', full / 'iter_5.pth'),
        config=f'{method}.py',
        **ACCUMULATE,
    )
    resumed, expected = load(tmp_path), load(full)
    assert np.isfinite(losses(expected)).all()
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


@pytest.mark.parametrize('method', METHODS)
def test_networks_move_once_a_step(method, run_of):
    states = [load(run_of(method), i)['state_dict'] for i in (5, 6, 7)]
    for role in ('student', 'teacher'):
        # the last layer of the projector may be frozen
        names = [n for n in states[0] if n.startswith(f'{role}.backbone.')]
        for name in names:
            moved = not torch.equal(states[0][name], states[1][name])
            assert moved, name
            assert torch.equal(states[1][name], states[2][name]), name


@pytest.mark.parametrize('method', slow_but('tiny_moco'))
def test_two_ranks(method, crops, tmp_path):
    options = {
        **train_options(crops, tmp_path / 'ranks'),
        'train_dataloader.batch_size': 4,
    }
    ranks, alone = tmp_path / 'ranks', tmp_path / 'alone'
    config = DATA / f'{method}.py'
    states = run_on_ranks(train_on_rank, config, ranks, options)
    assert_same(states[0], states[1])
    if method in OWN_RANKS:
        return
    train(crops, alone, config=config.name)
    expected = read_checkpoint(alone / 'epoch_2.pth')['state_dict']
    atol = 1e-5 if method in EQUAL_RANKS else 2e-3
    for name, value in states[0].items():
        if name.startswith(('student.', 'teacher.')):
            torch.testing.assert_close(
                value, expected[name], rtol=0, atol=atol, msg=name
            )


@pytest.mark.parametrize('method', METHODS)
def test_bfloat16(method, crops, tmp_path):
    options = {
        'optim_wrapper.type': 'Bf16OptimWrapper',
        'train_cfg.max_epochs': 1,
        # in tiny_train.py it has as many entries as milestones
        'default_hooks.checkpoint.interval': 1,
    }
    train(crops, tmp_path, config=f'{method}.py', **options)
    checkpoint = read_checkpoint(tmp_path / 'epoch_1.pth')
    assert np.isfinite(losses(checkpoint)).all()
    state = checkpoint['state_dict']
    kinds = {t.dtype for t in state.values() if t.is_floating_point()}
    assert kinds == {torch.float32}


@pytest.mark.parametrize('method', METHODS)
def test_released_backbone_is_published_and_extracts(method, run_of, tmp_path):
    path = run_of(method) / 'iter_8.pth'
    cfg = Config.fromfile(DATA / f'{method}.py').model
    model = MODELS.build({**cfg, 'type': f'mmcion.{cfg.type}'}).eval()
    model.load_state_dict(load(run_of(method))['state_dict'])
    call_main(
        *('model_converters/publish_model.py', path),
        *('--out', tmp_path / 'published.pth'),
    )
    (published,) = tmp_path.glob('published_*.pth')
    images = torch.randint(256, (3, 16, 8, 3), dtype=torch.uint8)
    with torch.no_grad():
        inputs = {'inputs': list(images.permute(0, 3, 1, 2))}
        batch = model.data_preprocessor(inputs)['inputs']
        backbone = getattr(model, model.released).backbone
        expected = pooled_feature(backbone(batch)).numpy()
        torch.testing.assert_close(model(batch).numpy(), expected)
    for source in (path, published):
        extractor = mmcion.FeatureExtractor(source, 'cpu', normalize=False)
        found = extractor([*images.numpy()], channel_order='rgb')
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize('method', slow_but('tiny_pnl'))
def test_released_backbone_is_exported(method, run_of, tmp_path):
    path = run_of(method) / 'iter_8.pth'
    out = tmp_path / 'model.onnx'
    call_main('export_model.py', path, '--out', out)
    model = mmcion.get_model(path)
    session = onnxruntime.InferenceSession(out)
    (entry,) = session.get_inputs()
    images = torch.randn(2, 3, 16, 8)
    (found,) = session.run(None, {entry.name: images.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, model(images), atol=1e-5)
