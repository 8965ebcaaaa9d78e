"""Two drawn sets train one network, which a third one tests."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

import mmcion
from mmcion.structures import ReIDFeatures
from tests.dist_utils import run_on_ranks
from tests.tiny import make_pretrainer, write_image, write_query_gallery
from tests.tool_utils import ROOT, call_main
from tests.training_utils import assert_same, load, losses, train_on_rank

CONFIG = 'projects/domain_generalization/configs'
SIZE = (64, 32)
NETWORK = {
    'type': 'ResNet',
    'depth': 18,
    'base_channels': 8,
    'stem_channels': 8,
}


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Folder with the config and the run of two epochs on two sets."""
    folder = tmp_path_factory.mktemp('domain_generalization')
    for pid in range(4):
        for number in range(2):
            name = f'{pid:04d}_c{number + 1}s1_000451_0{number}.png'
            part = ('bounding_box_train', 'query', 'bounding_box_test')
            path = folder / 'market' / part[pid % 3] / name
            write_image(path, seed=pid, size=SIZE)
            path = folder / 'folders' / f'person {pid}' / f'{number}.png'
            write_image(path, seed=10 + pid, size=SIZE)
    projector = {'type': 'Projector', 'num_prototypes': 12}
    start = make_pretrainer(backbone=NETWORK, projector=projector)
    torch.save({'state_dict': start.state_dict()}, folder / 'start.pth')
    write_query_gallery(folder / 'test')
    cfg = Config.fromfile(ROOT / CONFIG / 'protocol3_resnet50_to-msmt17.py')
    cfg.model.backbone = NETWORK
    cfg.model.backbone_checkpoint = str(folder / 'start.pth')
    # Market-1501: 0 and 3 to train on, 1 and 2 of the test; four folders
    cfg.model.head.num_classes = 8
    sets = {
        'Market1501': ('market', 'all'),
        'FolderReID': ('folders', 'train'),
    }
    cfg.train_dataloader.dataset.datasets = [
        {'type': kind, 'data_root': str(folder / name), 'split': split}
        for kind, (name, split) in sets.items()
    ]
    cfg.train_dataloader.update(
        batch_size=8, num_workers=0, persistent_workers=False
    )
    cfg.train_dataloader.batch_sampler.num_instances = 2
    cfg.test_dataloader.num_workers = 0
    cfg.test_dataloader.dataset.update(
        type='ReIDDataset',
        ann_file=str(folder / 'test/query_gallery.csv'),
        data_root=str(folder / 'test'),
    )
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.logger.interval = 1
    cfg.experiment_name = 'domain_generalization'
    cfg.dump(folder / 'config.py')
    train(folder, folder)
    return folder


def train(run, work_dir, *arguments):
    call_main(
        *('train.py', run / 'config.py', '--work-dir', work_dir),
        *('--image-size', *SIZE, *arguments),
        *('--cfg-options', f'experiment_name=dg_{work_dir.name}'),
    )


def test_network_learns_from_both_sets(run):
    found = losses(load(run))
    assert len(found) == 2 * 2 and np.isfinite(found).all()
    start = torch.load(run / 'start.pth')['state_dict']
    name = 'layer1.0.conv1.weight'
    now = load(run)['state_dict'][f'backbone.{name}']
    assert not torch.equal(now, start[f'teacher.backbone.{name}'])
    # it started from there
    torch.testing.assert_close(
        now, start[f'teacher.backbone.{name}'], atol=0.05, rtol=0
    )


def test_resume_equals_no_interruption(run, tmp_path):
    train(run, tmp_path, '--resume', run / 'epoch_1.pth')
    resumed, expected = load(tmp_path), load(run)
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_two_ranks_learn_the_same(run, tmp_path):
    options = {
        'train_dataloader.batch_size': 4,
        'train_cfg.max_epochs': 1,
        'experiment_name': 'dg_ranks',
    }
    states = run_on_ranks(train_on_rank, run / 'config.py', tmp_path, options)
    # every rank has batch norm statistics of its own batches
    trained = [
        {k: v for k, v in state.items() if 'running' not in k}
        for state in states
    ]
    assert_same(*trained)


def test_result_is_evaluated_published_calibrated_and_exported(
    run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    last = run / 'epoch_2.pth'
    call_main(
        *('test.py', last, '--work-dir', 'test', '--out', 'scores.json'),
        *('--dump-features', 'features.npz'),
        *('--cfg-options', 'experiment_name=dg_test'),
    )
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert 0 < scores['reid/mAP'] <= 1
    call_main('model_converters/publish_model.py', last, '--out', 'model.pth')
    (published,) = tmp_path.glob('model_*.pth')
    call_main(
        *('analysis_tools/calibrate_threshold.py', 'features.npz', published),
        *('--false-match-rate', 0.2, '--out', 'calibrated.pth'),
    )
    features = ReIDFeatures.load('features.npz')
    extractor = mmcion.FeatureExtractor(
        'calibrated.pth', 'cpu', normalize=False
    )
    np.testing.assert_allclose(
        extractor(features.img_path.tolist()), features.feature, atol=1e-4
    )
    # compares the exported features with the original, to 1e-5 of their norm
    call_main('export_model.py', 'calibrated.pth', '--out', 'model.onnx')
