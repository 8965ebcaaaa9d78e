"""Training on tiny data through ``tools/train.py``, and what it leaves."""

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.runner import Runner

from mmcion.models.weights import read_checkpoint
from mmcion.utils.dist import adapt_to_cpu_ranks

from .golden import DATA
from .tool_utils import call_main

DATASET = 'train_dataloader.dataset'


def train_options(crops, work_dir):
    """Return settings of a run on the images of a folder."""
    return {
        f'{DATASET}.ann_file': str(crops / 'annotation'),
        f'{DATASET}.data_root': str(crops),
        # mmengine's singletons go by this name
        'experiment_name': work_dir.name,
    }


def train(crops, work_dir, *arguments, config='tiny_train.py', **options):
    """Call ``tools/train.py`` with a config of ``tests/data``."""
    options = {**train_options(crops, work_dir), **options}
    call_main(
        *('train.py', DATA / config, '--work-dir', work_dir, *arguments),
        '--cfg-options',
        *(f'{key}={value}' for key, value in options.items()),
    )


def load(work_dir, epoch=2):
    return read_checkpoint(work_dir / f'epoch_{epoch}.pth')


def logged(checkpoint, name):
    """Return the values of every iteration."""
    history = checkpoint['message_hub']['log_scalars'][f'train/{name}']
    return history.data[0].tolist()


def losses(checkpoint):
    return logged(checkpoint, 'loss')


def flat(state):
    """Return tensors and numbers of nested dictionaries and lists by name."""
    if isinstance(state, dict | list):
        items = state.items() if isinstance(state, dict) else enumerate(state)
        return {
            f'{key}.{name}': value
            for key, part in items
            for name, value in flat(part).items()
        }
    return {'': state}


def assert_same(first, second):
    """Compare nested dictionaries and lists bit for bit."""
    first, second = flat(first), flat(second)
    assert first.keys() == second.keys()
    for name, value in first.items():
        same = (
            torch.equal(value, second[name])
            if isinstance(value, torch.Tensor)
            else value == second[name]
        )
        assert same, name


def train_on_rank(config, work_dir, options, missing_on_rank=None):
    """Do what ``tools/train.py`` does inside a process group."""
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(options)
    cfg.work_dir, cfg.launcher = str(work_dir), 'pytorch'
    if dist.get_rank() == missing_on_rank:
        cfg.merge_from_dict({f'{DATASET}.ann_file': 'nowhere'})
    adapt_to_cpu_ranks(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner.model.module.state_dict()
