"""Tests on several ranks: a model without parameters, which DDP refuses."""

import torch
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmcion.engine.rank_wrapper import RankWrapper
from mmcion.utils.dist import adapt_to_test_ranks
from tests.dist_utils import run_on_ranks
from tests.tiny import write_query_gallery
from tests.tool_utils import ROOT

CONFIG = ROOT / 'configs' / 'eval' / 'zero-shot_color-stripes_128x64.py'


def evaluate(images, work_dir):
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(
        {
            'test_dataloader.dataset.ann_file': f'{images}/query_gallery.csv',
            'test_dataloader.dataset.data_root': str(images),
            'test_dataloader.num_workers': 0,
            'launcher': 'pytorch',
            'work_dir': str(work_dir),
        }
    )
    adapt_to_test_ranks(cfg)
    return Runner.from_cfg(cfg).test()


def test_model_without_parameters_is_tested_on_two_ranks(tmp_path):
    images = write_query_gallery(tmp_path / 'images')
    first, second = run_on_ranks(evaluate, images, tmp_path / 'work_dir')
    assert 0 < first['reid/mAP'] <= 1
    assert first == second


def test_engine_knows_the_wrapper():
    assert is_model_wrapper(RankWrapper(torch.nn.Identity()))
