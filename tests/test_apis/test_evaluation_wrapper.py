import csv

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.runner import Runner

from mmcion.apis.evaluation_wrapper import use_evaluation_wrapper
from mmcion.utils.dist import adapt_to_cpu_ranks

from ..dist_utils import run_on_ranks
from ..tiny import write_image
from ..tool_utils import ROOT

CONFIG = ROOT / 'configs' / 'eval' / 'zero-shot_color-stripes_128x64.py'


def evaluate(folder):
    cfg = Config.fromfile(CONFIG)
    cfg.work_dir = str(folder / 'work')
    cfg.test_dataloader.update(
        num_workers=0, persistent_workers=False, batch_size=2
    )
    cfg.test_dataloader.dataset.update(
        ann_file=str(folder / 'split.csv'), data_root=str(folder)
    )
    cfg.launcher = 'pytorch' if get_world_size() > 1 else 'none'
    adapt_to_cpu_ranks(cfg)
    use_evaluation_wrapper(cfg)
    return Runner.from_cfg(cfg).test()


def test_network_without_parameters_on_two_ranks(tmp_path):
    with open(tmp_path / 'split.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('path', 'pid', 'cam_id', 'split'))
        for i in range(7):
            name = write_image(tmp_path / f'{i}.png', seed=i).name
            split = 'gallery' if i % 3 else 'query'
            writer.writerow((name, i % 2, i % 3, split))
    expected = evaluate(tmp_path)
    assert 0 < expected['reid/mAP'] <= 1
    assert run_on_ranks(evaluate, tmp_path) == [expected, expected]
