"""Linear probes and fine-tuning on tiny images: train, resume, evaluate."""

import csv

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmcion.datasets.reid import base_reid_dataset
from mmcion.models.weights import read_checkpoint
from mmcion.utils.dist import adapt_to_cpu_ranks
from mmcion.utils.io import read_json
from tests.dist_utils import run_on_ranks
from tests.tiny import DIM, make_pretrainer, write_image
from tests.tool_utils import ROOT, call_main
from tests.training_utils import assert_same, load, losses

FAMILIES = ('linear', 'fine-tune')
NUM_PIDS, SIZE = 8, (16, 8)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """A folder with ``images.csv``: 8 identities in train, query, gallery."""
    folder = tmp_path_factory.mktemp('images')
    rows = []
    for split, cam_id in (('train', 0), ('query', 0), ('gallery', 1)):
        for row in range(4 * NUM_PIDS if split == 'train' else NUM_PIDS):
            name = f'{split}{row}.png'
            write_image(folder / name, seed=len(rows))
            rows.append((name, row % NUM_PIDS, cam_id, split))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerows([('path', 'pid', 'cam_id', 'split'), *rows])
    return folder


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """A checkpoint of pre-training, whose student differs."""
    pretrainer = make_pretrainer(use_bn=True, seed=3)
    with torch.no_grad():
        pretrainer.student.backbone[0].weight.add_(1)
    path = tmp_path_factory.mktemp('pretrained') / 'epoch_1.pth'
    torch.save({'state_dict': pretrainer.state_dict()}, path)
    return path


def read_images(cfg, images, size):
    """Let a config read the images of a folder in a small size."""
    dataset = {'type': 'ReIDDataset', 'ann_file': str(images / 'images.csv')}
    for loader in ('train', 'val', 'test'):
        settings = cfg[f'{loader}_dataloader']
        settings.update(num_workers=0, persistent_workers=False)
        settings.dataset.update(dataset, data_root=str(images))
        for transform in settings.dataset.pipeline:
            if 'size' in transform:
                transform.size = size
            if 'padding' in transform:
                transform.padding = size[1] // 8
    cfg.train_dataloader.pin_memory = False


def tiny_config(family, images, pretrained, **options):
    """The family's config with a small network, two epochs and tiny images."""
    name = f'{family}_resnet50-ibn_market1501.py'
    cfg = Config.fromfile(ROOT / 'configs/cion/benchmarks' / name)
    read_images(cfg, images, SIZE)
    in_channels = DIM if family == 'fine-tune' else 512
    cfg.merge_from_dict(
        {
            'custom_imports': {
                'imports': ['tests.tiny'],
                'allow_failed_imports': False,
            },
            'model.backbone': {
                '_delete_': True,
                'type': 'TinyBackbone',
                'use_bn': True,
            },
            'model.backbone_checkpoint': str(pretrained),
            'model.neck.in_channels': DIM,
            'model.head.in_channels': in_channels,
            'model.head.num_classes': NUM_PIDS,
            'train_dataloader.batch_size': 8,
            'train_cfg.max_epochs': 2,
            'train_cfg.val_interval': 1,
            'default_hooks.checkpoint.interval': 1,
            'default_hooks.logger.interval': 1,
            **options,
        }
    )
    return cfg


def train(cfg, work_dir, *arguments):
    work_dir.mkdir(exist_ok=True)
    cfg.experiment_name = f'{work_dir.parent.name}_{work_dir.name}'
    cfg.dump(work_dir / 'config.py')
    call_main(
        *('train.py', work_dir / 'config.py', '--work-dir', work_dir),
        *arguments,
    )


def evaluate(work_dir, checkpoint, out, **options):
    given = () if checkpoint is None else (checkpoint,)
    call_main(
        *('test.py', work_dir / 'config.py', *given, '--work-dir', out),
        *('--out', out / 'scores.json'),
        *('--dump-features', out / 'features.npz', '--cfg-options'),
        f'experiment_name={out.parent.name}_{out.name}',
        *(f'{key}={value}' for key, value in options.items()),
    )
    return read_json(out / 'scores.json'), np.load(out / 'features.npz')


@pytest.fixture(scope='module')
def runs(images, pretrained, tmp_path_factory):
    """Work folders of whole runs by family."""
    folders = {}
    for family in FAMILIES:
        folders[family] = tmp_path_factory.mktemp(family)
        train(tiny_config(family, images, pretrained), folders[family])
    return folders


@pytest.mark.parametrize('family', FAMILIES)
def test_training_changes_what_it_should(runs, pretrained, family):
    state = load(runs[family])['state_dict']
    prefix = 'teacher.backbone.'
    start = read_checkpoint(pretrained)['state_dict']
    teacher = [name for name in start if name.startswith(prefix)]
    assert len(teacher) == 9  # with statistics
    for name in teacher:
        now = state[f'backbone.{name.removeprefix(prefix)}']
        assert torch.equal(now, start[name]) == (family == 'linear'), name
    first = load(runs[family], 1)['state_dict']
    for name in ('head.classifier.weight', 'neck.bn.weight'):
        assert not torch.equal(state[name], first[name])
    assert not state['neck.bn.bias'].any()
    assert ('neck.embedding.weight' in state) == (family == 'linear')


@pytest.mark.parametrize('family', FAMILIES)
def test_run_is_scored_and_its_best_kept(runs, family):
    checkpoint = load(runs[family])
    assert len(losses(checkpoint)) == 2 * 4
    assert np.isfinite(losses(checkpoint)).all()
    (best,) = runs[family].glob('best_reid_mAP_epoch_*.pth')
    hub = read_checkpoint(best)['message_hub']
    scores = hub['log_scalars']['val/reid/mAP'].data[0]
    assert hub['runtime_info']['best_score'] == scores[-1] == max(scores)


def test_resume_equals_no_interruption(runs, images, pretrained, tmp_path):
    cfg = tiny_config('linear', images, pretrained)
    train(cfg, tmp_path, '--resume', runs['linear'] / 'epoch_1.pth')
    resumed, expected = load(tmp_path), load(runs['linear'])
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_resume_in_the_middle_of_an_epoch(runs, images, pretrained, tmp_path):
    cfg = tiny_config('fine-tune', images, pretrained)
    hook = cfg.default_hooks.checkpoint
    hook.update(by_epoch=False, max_keep_ckpts=-1, save_best=None)
    train(cfg, tmp_path / 'first')
    # other workers, the same random changes
    cfg.train_dataloader.num_workers = 1
    train(cfg, tmp_path / 'rest', '--resume', tmp_path / 'first/iter_6.pth')
    resumed, expected = (
        read_checkpoint(tmp_path / name / 'iter_8.pth')
        for name in ('rest', 'first')
    )
    assert losses(resumed) == losses(expected)
    assert losses(resumed) == losses(load(runs['fine-tune']))
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_images_are_changed_by_the_seed(
    runs, images, pretrained, tmp_path, monkeypatch
):
    # the same batches and weights, other random changes
    monkeypatch.setattr(base_reid_dataset, 'seed_transforms', lambda row: None)
    train(tiny_config('linear', images, pretrained), tmp_path)
    assert losses(load(tmp_path)) != losses(load(runs['linear']))


@pytest.mark.parametrize('family', FAMILIES)
def test_checkpoint_is_evaluated_with_its_neck(runs, images, tmp_path, family):
    (path,) = runs[family].glob('best_reid_mAP_epoch_*.pth')
    # the classes are of other data
    options = {'model.head.num_classes': 99}
    scores, found = evaluate(runs[family], path, tmp_path, **options)
    checkpoint = read_checkpoint(path)
    expected = checkpoint['message_hub']['runtime_info']['best_score']
    assert scores['reid/mAP'] == expected
    width = len(checkpoint['state_dict']['neck.bn.bias'])
    assert found['feature'].shape == (2 * NUM_PIDS, width)


def test_checkpoint_of_pretraining_has_no_neck(runs, pretrained, tmp_path):
    with pytest.raises(ValueError, match='the neck BNNeck'):
        evaluate(runs['linear'], pretrained, tmp_path)


def test_zero_shot_takes_the_backbone_of_a_run(runs, tmp_path):
    options = {'model.neck': None, 'model.head': None}
    path = runs['linear'] / 'epoch_2.pth'
    _, found = evaluate(runs['linear'], path, tmp_path, **options)
    assert found['feature'].shape == (2 * NUM_PIDS, DIM)


def test_wrong_number_of_classes_is_refused(images, pretrained, tmp_path):
    cfg = tiny_config('linear', images, pretrained)
    cfg.model.head.num_classes = 751
    with pytest.raises(ValueError, match=r'set model.head.num_classes=8'):
        train(cfg, tmp_path)


def train_on_rank(configs):
    """What tools/train.py does inside the process group."""
    states = []
    for cfg in configs:
        cfg.launcher = 'pytorch'
        adapt_to_cpu_ranks(cfg)
        runner = Runner.from_cfg(cfg)
        runner.train()
        states.append(runner.model.module.state_dict())
    return states


def test_two_ranks_learn_the_same(images, pretrained, tmp_path):
    options = {
        'train_dataloader.batch_size': 4,
        'train_dataloader.batch_sampler.num_instances': 2,
        'train_cfg.max_epochs': 1,
    }
    configs = []
    for family in FAMILIES:
        cfg = tiny_config(family, images, pretrained, **options)
        cfg.work_dir = str(tmp_path / family)
        cfg.experiment_name = f'ranks_{family}'
        configs.append(cfg)
    ranks = run_on_ranks(train_on_rank, configs)
    for family, *states in zip(FAMILIES, *ranks, strict=True):
        checkpoint = load(tmp_path / family, 1)
        assert 'val/reid/mAP' in checkpoint['message_hub']['log_scalars']
        assert_same(states[0], checkpoint['state_dict'])
        # every rank has statistics of its own batches until it is validated
        trained = [
            {k: v for k, v in state.items() if 'running' not in k}
            for state in states
        ]
        assert_same(*trained)
