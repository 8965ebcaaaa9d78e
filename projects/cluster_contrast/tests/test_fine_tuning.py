"""From a CION checkpoint to scores and exported models, by the tools."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

import mmcion
from mmcion.models.weights import read_checkpoint, read_model_file
from mmcion.structures import ReIDFeatures
from mmcion.utils.checks import UserError
from mmcion.utils.dist import adapt_to_cpu_ranks
from mmcion.utils.image_file import UnreadableImageError
from tests.dist_utils import run_on_ranks
from tests.tiny import DIM, make_pretrainer
from tests.tool_utils import ROOT, call_main
from tests.training_utils import assert_same, logged, losses

CONFIGS = ROOT / 'projects/cluster_contrast/configs'
NUM_PIDS, SIZE, BATCHES = 8, (16, 8), 3
TINY = f"""
_base_ = {str(CONFIGS / 'usl_resnet50_market1501.py')!r}
custom_imports = dict(
    imports=['projects.cluster_contrast.cluster_contrast', 'tests.tiny']
)
model = dict(
    backbone=dict(_delete_=True, type='TinyBackbone', use_bn=True),
    neck=dict(in_channels={DIM}),
    head=dict(in_channels={DIM}),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    batch_sampler=dict(num_instances=2, num_batches={BATCHES}),
)
val_dataloader = dict(num_workers=0)
test_dataloader = dict(num_workers=0)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
custom_hooks = [
    dict(type='PseudoLabelHook', k1=6, k2=2),
    dict(type='NonFiniteGuardHook'),
]
train_cfg = dict(max_epochs=3, val_interval=1)
default_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=-1), logger=dict(interval=1)
)
"""


def write_person(path, pid, rng):
    """Write an image in the two colours of an identity."""
    looks = np.random.default_rng(pid).integers(30, 226, (2, 1, 3))
    image = np.repeat(looks, SIZE[0] // 2, axis=0) + np.zeros((1, SIZE[1], 1))
    image += rng.normal(0, 12, image.shape)
    cv2.imwrite(str(path), image.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """``images.csv`` of 8 identities in train, query and gallery."""
    folder = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    rows = [('path', 'pid', 'cam_id', 'split')]
    for split, number in (('train', 6), ('query', 1), ('gallery', 1)):
        for row in range(number * NUM_PIDS):
            name, pid = f'{split}{row}.png', row % NUM_PIDS
            write_person(folder / name, pid, rng)
            cam_id = row // NUM_PIDS % 2 + int(split == 'gallery')
            rows.append((name, pid, cam_id, split))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)
    return folder / 'images.csv'


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """A checkpoint of pre-training."""
    path = tmp_path_factory.mktemp('pretrained') / 'epoch_1.pth'
    model = make_pretrainer(use_bn=True, seed=3)
    torch.save({'state_dict': model.state_dict()}, path)
    return path


def train(images, pretrained, work_dir, *arguments, **options):
    work_dir.mkdir(exist_ok=True)
    (work_dir / 'tiny.py').write_text(TINY)
    options = {
        'experiment_name': f'{work_dir.parent.name}_{work_dir.name}',
        'model.backbone_checkpoint': str(pretrained),
        **options,
    }
    call_main(
        *('train.py', work_dir / 'tiny.py', '--data', images),
        *('--image-size', *SIZE, '--work-dir', work_dir, *arguments),
        *('--cfg-options', *(f'{k}={v}' for k, v in options.items())),
    )


@pytest.fixture(scope='module')
def run(images, pretrained, tmp_path_factory):
    """Work folder of a whole run."""
    folder = tmp_path_factory.mktemp('usl')
    train(images, pretrained, folder)
    return folder


@pytest.fixture(scope='module')
def by_iterations(images, pretrained, tmp_path_factory):
    """Work folder of the same run, with a checkpoint of every batch."""
    folder = tmp_path_factory.mktemp('iterations')
    train(images, pretrained, folder, **ITERATIONS)
    return folder


ITERATIONS = {
    'default_hooks.checkpoint.by_epoch': False,
    'default_hooks.checkpoint.save_best': None,
}
PARTS = ('state_dict', 'optimizer', 'param_schedulers', 'pseudo_labels')


def load(work_dir, name='epoch_3'):
    return read_checkpoint(work_dir / f'{name}.pth')


def test_clusters_are_trained_on_and_logged(run, pretrained):
    checkpoint = load(run)
    assert len(losses(checkpoint)) == 3 * BATCHES
    assert np.isfinite(losses(checkpoint)).all()
    labels = checkpoint['pseudo_labels']['labels']
    assert len(labels) == 6 * NUM_PIDS
    history = {
        name: logged(checkpoint, name)
        for name in ('clusters', 'outliers', 'ari')
    }
    # once an epoch
    assert {len(values) for values in history.values()} == {3}
    assert history['clusters'][-1] == labels.max() + 1 >= 4
    assert history['outliers'][-1] == (labels == -1).sum()
    assert history['ari'][-1] > 0.5
    (log,) = run.rglob('*.log')
    assert 'epoch 3: ' in log.read_text()
    assert f'{pretrained}: loaded 100.0% of' in log.read_text()
    state = checkpoint['state_dict']
    start = read_checkpoint(pretrained)['state_dict']
    name = 'backbone.0.weight'
    assert not torch.equal(state[name], start[f'teacher.{name}'])
    assert state['neck.pooling.p'].item() != 3
    assert not state['neck.bn.bias'].any()
    assert not any(name.startswith('head') for name in state)


def test_memory_follows_the_features(run):
    centers = [
        load(run, f'epoch_{n}')['pseudo_labels']['centers'] for n in (1, 3)
    ]
    for each in centers:
        torch.testing.assert_close(each.norm(dim=1), torch.ones(len(each)))


def test_resume_between_epochs(run, images, pretrained, tmp_path):
    train(images, pretrained, tmp_path, '--resume', run / 'epoch_1.pth')
    resumed, expected = load(tmp_path), load(run)
    assert losses(resumed) == losses(expected)
    for part in PARTS:
        assert_same(resumed[part], expected[part])


@pytest.mark.parametrize('iteration', [4, 5, 6])
def test_resume_within_an_epoch(
    run, by_iterations, images, pretrained, tmp_path, iteration
):
    checkpoint = by_iterations / f'iter_{iteration}.pth'
    options = {**ITERATIONS, 'train_dataloader.num_workers': 1}
    train(images, pretrained, tmp_path, '--resume', checkpoint, **options)
    resumed = load(tmp_path, 'iter_9')
    expected = load(by_iterations, 'iter_9')
    assert losses(resumed) == losses(expected) == losses(load(run))
    for part in PARTS:
        assert_same(resumed[part], expected[part])


def test_result_is_evaluated_published_calibrated_and_exported(
    run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT)
    call_main(
        *('test.py', run / 'epoch_3.pth', '--work-dir', 'test'),
        *('--out', 'scores.json', '--dump-features', 'features.npz'),
    )
    scores = json.loads((tmp_path / 'scores.json').read_text())
    best = load(run)['message_hub']['log_scalars']['val/reid/mAP']
    assert scores['reid/mAP'] == pytest.approx(best.data[0][-1])
    call_main(
        *('model_converters/publish_model.py', run / 'epoch_3.pth'),
        *('--out', 'published.pth'),
    )
    (published,) = tmp_path.glob('published_*.pth')
    call_main(
        *('analysis_tools/calibrate_threshold.py', 'features.npz'),
        *(published, '--false-match-rate', 0.2, '--out', 'model.pth'),
    )
    _, spec = read_model_file('model.pth')
    assert spec.neck['pooling']['type'].endswith('GeneralizedMeanPooling')
    assert list(spec.mean) == [0.5, 0.5, 0.5]
    features = ReIDFeatures.load('features.npz')
    for path in ('model.pth', run / 'epoch_3.pth'):
        extractor = mmcion.FeatureExtractor(path, 'cpu', normalize=False)
        np.testing.assert_allclose(
            extractor(features.img_path.tolist()), features.feature, atol=1e-4
        )
    # compares the exported features with the original
    call_main('export_model.py', 'model.pth', '--out', 'model.onnx')
    described = json.loads((tmp_path / 'model.onnx.json').read_text())
    assert described['neck'] == spec.neck


def test_adaptation_starts_from_a_fine_tuned_network(run, images, tmp_path):
    # of a source: neck and head begin anew
    source = run / 'epoch_3.pth'
    train(images, source, tmp_path, **{'train_cfg.max_epochs': 1})
    (log,) = tmp_path.rglob('*.log')
    assert f'{source}: loaded' in log.read_text()


def test_epoch_is_selected_on_identities_held_out(
    images, pretrained, tmp_path
):
    train(images, pretrained, tmp_path, '--hold-out', 0.25)
    assert list(tmp_path.glob('best_reid_mAP_epoch_*.pth'))
    labels = load(tmp_path)['pseudo_labels']['labels']
    assert len(labels) == 6 * 6  # of six identities
    assert (tmp_path / 'data/hold_out.csv').is_file()


def test_too_few_clusters_are_an_error_before_any_step(
    images, pretrained, tmp_path
):
    options = {'train_dataloader.batch_size': 64}
    with pytest.raises(
        UserError, match=r'48 images form .* needs 32'
    ) as error:
        train(images, pretrained, tmp_path, **options)
    assert 'batch_size' in str(error.value)
    assert not list(tmp_path.glob('*.pth'))


def test_broken_image_is_not_replaced_by_its_identity(
    images, pretrained, tmp_path
):
    folder = tmp_path / 'images'
    shutil.copytree(images.parent, folder)
    (folder / 'train3.png').write_bytes(b'no image')
    with pytest.raises(UnreadableImageError, match=r'train3\.png'):
        train(folder / 'images.csv', pretrained, tmp_path / 'run')


def test_unknown_identities_have_no_ari(images, pretrained, tmp_path):
    with open(images) as stream:
        rows = list(csv.reader(stream))
    plain = images.with_name('plain.csv')
    with open(plain, 'w', newline='') as stream:
        kept = [row for row in rows if row[3] in ('split', 'train')]
        csv.writer(stream).writerows(
            [path, 'pid' if path == 'path' else 0] for path, *_ in kept
        )
    train(plain, pretrained, tmp_path)
    scalars = load(tmp_path)['message_hub']['log_scalars']
    assert 'train/clusters' in scalars and 'train/ari' not in scalars


def train_on_rank(config, work_dir, resume_from=None):
    """Do what tools/train.py does inside the process group."""
    cfg = Config.fromfile(config)
    cfg.merge_from_dict({**ITERATIONS, 'train_dataloader.batch_size': 4})
    cfg.work_dir, cfg.launcher = str(work_dir), 'pytorch'
    cfg.experiment_name = work_dir.name
    cfg.resume, cfg.load_from = bool(resume_from), resume_from
    adapt_to_cpu_ranks(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    model = runner.model.module
    history = runner.message_hub.get_scalar('train/loss').data[0].tolist()
    return {
        'state_dict': model.state_dict(),
        'centers': model.head.memory.centers,
        'losses': history[-4:],
    }


def test_two_ranks_hold_one_memory_and_resume(run, tmp_path):
    full, resumed = tmp_path / 'full_ranks', tmp_path / 'resumed_ranks'
    config = run / 'tiny.py'  # with data and size, as the tool wrote it
    first, second = run_on_ranks(train_on_rank, config, full)
    # weights, statistics and memory; each has the losses of its own images
    for part in ('state_dict', 'centers'):
        assert_same({'': first[part]}, {'': second[part]})
    assert first['losses'] != second['losses']
    saved = load(full, 'iter_9')
    assert_same(saved['state_dict'], first['state_dict'])
    # the batches of one process, in two halves
    whole = load(run)['pseudo_labels']['labels']
    assert len(saved['pseudo_labels']['labels']) == len(whole)
    again = run_on_ranks(
        train_on_rank, config, resumed, str(full / 'iter_5.pth')
    )
    assert_same(dict(enumerate(again)), dict(enumerate([first, second])))
