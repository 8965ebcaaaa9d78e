"""Two drawn sets train one network, which a third one tests."""

import json

import numpy as np
import torch
from mmengine.config import Config

from tests.tiny import DIM, make_pretrainer, write_image, write_query_gallery
from tests.tool_utils import ROOT, call_main
from tests.training_utils import load, losses

CONFIG = 'projects/domain_generalization/configs'


def test_training_on_two_sets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for pid in range(4):
        for number in range(2):
            name = f'{pid:04d}_c{number + 1}s1_000451_0{number}.png'
            part = ('bounding_box_train', 'query', 'bounding_box_test')
            write_image(tmp_path / 'market' / part[pid % 3] / name, seed=pid)
            path = tmp_path / 'folders' / f'person {pid}' / f'{number}.png'
            write_image(path, seed=10 + pid)
    torch.save({'state_dict': make_pretrainer().state_dict()}, 'start.pth')
    write_query_gallery(tmp_path / 'test')
    cfg = Config.fromfile(ROOT / CONFIG / 'protocol3_resnet50_to-msmt17.py')
    cfg.custom_imports = {'imports': ['tests.tiny']}
    cfg.model.backbone = {'type': 'TinyBackbone'}
    cfg.model.backbone_checkpoint = 'start.pth'
    cfg.model.neck.in_channels = cfg.model.head.in_channels = DIM
    # Market-1501: 0 and 3 to train on, 1 and 2 of the test; four folders
    cfg.model.head.num_classes = 8
    cfg.train_dataloader.dataset.datasets = [
        {'type': 'Market1501', 'data_root': 'market', 'split': 'all'},
        {'type': 'FolderReID', 'data_root': 'folders', 'split': 'train'},
    ]
    cfg.train_dataloader.update(
        batch_size=8, num_workers=0, persistent_workers=False
    )
    cfg.train_dataloader.batch_sampler.num_instances = 2
    cfg.test_dataloader.num_workers = 0
    cfg.test_dataloader.dataset.update(
        type='ReIDDataset',
        ann_file='test/query_gallery.csv',
        data_root='test',
    )
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.logger.interval = 1
    cfg.experiment_name = 'domain_generalization'
    cfg.dump('config.py')
    size = ('--image-size', 16, 8)
    call_main('train.py', 'config.py', '--work-dir', 'run', *size)
    found = losses(load(tmp_path / 'run'))
    assert len(found) == 2 * 2 and np.isfinite(found).all()
    call_main(
        *('test.py', 'config.py', 'run/epoch_2.pth', '--work-dir', 'scored'),
        *('--out', 'scores.json'),
    )
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert 0 < scores['reid/mAP'] <= 1
