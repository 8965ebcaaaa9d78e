"""How tests run: one thread each, and processes that start at once."""

import gc
import multiprocessing
import os
import sys
from types import SimpleNamespace

import pytest

# before torch and numpy are imported; the tests run on all cores by themselves
for name in ('OMP', 'MKL', 'OPENBLAS'):
    os.environ[f'{name}_NUM_THREADS'] = '1'

import torch  # noqa: E402
from torch.utils.data import _utils  # noqa: E402

# seconds that a loader gives each worker to end; one that dies in a garbage
# collection waits that long, as its queues are gone before it
_utils.MP_STATUS_CHECK_INTERVAL = 0.2

# torch.manual_seed formats the stack for every kind of device that does not
# run yet: with the many frames of pytest, a millisecond each
for module in (torch.cuda, torch.mtia, torch.xpu):
    module.traceback = SimpleNamespace(format_stack=list)

# What takes seconds to import. The ranks of `dist_utils.py` and the tools of
# `tool_utils.py` are forked from a server that has done so, and import mmcion
# themselves.
multiprocessing.set_forkserver_preload(
    [
        'cv2',
        'faiss',
        'matplotlib.pyplot',
        'mmengine.runner',
        'mmpretrain.models',
        'numba',
        'pytest',
        'scipy.stats',
        'sklearn.cluster',
        'timm',
        'torch',
        'torch.utils.tensorboard',
        'torchvision',
        'yapf.yapflib.yapf_api',
    ]
)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Undo what numba's OpenMP does: PyTorch gets as many threads as numba."""
    torch.set_num_threads(1)
    freeze_imports()


def freeze_imports():
    """Keep what was imported out of every later garbage collection.

    MMEngine collects whenever a dataset is built, which takes 0.2 s with all
    that the tests import, and some of it is imported by the tests only.
    """
    if len(sys.modules) > _frozen['modules'] + 50:
        gc.freeze()
        _frozen['modules'] = len(sys.modules)


_frozen = {'modules': 0}


@pytest.fixture(scope='session')
def crops(tmp_path_factory):
    """Folder with images of eight identities, four of each."""
    from .tiny import write_identities

    return write_identities(tmp_path_factory.mktemp('crops'), (4,) * 8)


@pytest.fixture(scope='session')
def full_run(crops, tmp_path_factory):
    """Work folder of a training of two epochs without interruption."""
    from .training_utils import train

    work_dir = tmp_path_factory.mktemp('full_run')
    train(crops, work_dir)
    return work_dir
