import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as torch_dist
from mmengine.config import Config
from mmengine.dist import get_dist_info

from mmcion.utils.checks import UserError
from mmcion.utils.dist import (
    adapt_to_cpu_ranks,
    all_gather_arrays,
    gather_rows,
    ranks,
    warn_of_batch_norm,
)

from ..dist_utils import run_on_ranks

NO_CUDA = pytest.mark.skipif(
    torch.cuda.is_available(), reason='about machines without CUDA'
)


def test_without_launcher_there_is_no_group():
    with ranks('none'):
        assert get_dist_info() == (0, 1)
        assert not torch_dist.is_initialized()


def one_torchrun_rank(monkeypatch):
    # port 0: the system picks a free one
    for name, value in {
        'RANK': '0',
        'WORLD_SIZE': '1',
        'LOCAL_RANK': '0',
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': '0',
    }.items():
        monkeypatch.setenv(name, value)


@NO_CUDA
def test_torchrun_on_cpu_joins_gloo_and_leaves(monkeypatch):
    one_torchrun_rank(monkeypatch)
    with ranks('pytorch'):
        assert torch_dist.get_backend() == 'gloo'
    assert not torch_dist.is_initialized()


@NO_CUDA
def test_group_is_left_after_an_error(monkeypatch):
    one_torchrun_rank(monkeypatch)
    with pytest.raises(KeyError), ranks('pytorch'):
        raise KeyError
    assert not torch_dist.is_initialized()


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm'])
def test_launcher_must_have_started_the_process(launcher, monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with (
        pytest.raises(UserError, match=f'--launcher {launcher}'),
        ranks(launcher),
    ):
        pass


def slurm_rank(monkeypatch, tmp_path):
    """Pretend to be started by srun, with a ``scontrol`` that answers."""
    scontrol = tmp_path / 'scontrol'
    scontrol.write_text(
        '#!/bin/sh\n[ "$3" = "node[1-2]" ] && echo 127.0.0.1 && echo other\n'
    )
    scontrol.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    for name, value in {
        'SLURM_PROCID': '0',
        'SLURM_NTASKS': '1',
        'SLURM_LOCALID': '0',
        'SLURM_NODELIST': 'node[1-2]',
        'MASTER_PORT': '0',
    }.items():
        monkeypatch.setenv(name, value)
    for name in ('MASTER_ADDR', 'RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        monkeypatch.setenv(name, 'restored at the end of the test')
        monkeypatch.delenv(name)


@NO_CUDA
def test_slurm_on_cpu_joins_gloo(monkeypatch, tmp_path):
    slurm_rank(monkeypatch, tmp_path)
    with ranks('slurm', gloo=True):
        assert torch_dist.get_backend() == 'gloo'
        assert get_dist_info() == (0, 1)
        assert os.environ['MASTER_ADDR'] == '127.0.0.1'
    assert not torch_dist.is_initialized()


def adapted():
    cfg = Config({'sync_bn': 'torch', 'env_cfg': {'dist_cfg': {}}})
    adapt_to_cpu_ranks(cfg)
    return cfg.to_dict()


def test_one_process_keeps_its_config():
    assert adapted() == {'sync_bn': 'torch', 'env_cfg': {'dist_cfg': {}}}


@NO_CUDA
def test_cpu_ranks_use_plain_ddp_without_sync_bn():
    for cfg in run_on_ranks(adapted):
        assert cfg['model_wrapper_cfg']['device_ids'] is None
        assert cfg['model_wrapper_cfg']['broadcast_buffers'] is False
        assert cfg['sync_bn'] is None
        assert cfg['env_cfg']['dist_cfg']['backend'] == 'gloo'


COLUMNS = {
    'feature': np.arange(14, dtype=np.float32).reshape(7, 2),
    'pid': np.arange(7) - 1,
    'is_query': np.arange(7) % 2 == 0,
    'img_path': np.array(['a', 'bb', 'ü.jpg', '', 'e' * 40, 'f', 'g']),
    'raw': np.array([b'a', b'bb', b'c', b'', b'eeee', b'f', b'g']),
    'nothing': np.zeros((7, 0)),
    'cube': np.arange(42).reshape(7, 3, 2),
}


def gather_columns():
    rank, world_size = get_dist_info()
    return {
        name: all_gather_arrays(np.array_split(column, world_size)[rank])
        for name, column in COLUMNS.items()
    }


def test_all_ranks_gather_every_row():
    for found in run_on_ranks(gather_columns):
        for name, column in COLUMNS.items():
            assert [len(part) for part in found[name]] == [4, 3]
            gathered = np.concatenate(found[name])
            np.testing.assert_array_equal(gathered, column)
            assert gathered.dtype.kind == column.dtype.kind


def gather_first_of_rank_0():
    rank, _ = get_dist_info()
    return all_gather_arrays(np.arange(1 - rank, dtype=np.int32))


def test_a_rank_may_have_no_rows():
    for found in run_on_ranks(gather_first_of_rank_0):
        assert [part.tolist() for part in found] == [[0], []]


def test_one_process_keeps_its_rows():
    (rows,) = all_gather_arrays(np.arange(5))
    assert rows.tolist() == [0, 1, 2, 3, 4]


def gather_with_gradient():
    rank, _ = get_dist_info()
    # a column of a wider tensor
    own = torch.tensor([[1.0, 0.0], [2.0, 0.0]]) + 10 * rank
    rows = gather_rows(own.requires_grad_()[:, :1])
    (rows * torch.arange(4.0)[:, None]).sum().backward()
    return rows.detach(), own.grad


def test_gradient_reaches_own_rows_only():
    both = run_on_ranks(gather_with_gradient)
    for rank, (rows, grad) in enumerate(both):
        assert rows.flatten().tolist() == [1, 2, 11, 12]
        assert grad[:, 0].tolist() == [2 * rank, 2 * rank + 1]
    rows = torch.ones(2, requires_grad=True)
    assert torch.equal(gather_rows(rows), rows)


def warn_on_rank(train):
    lines = []
    logger = SimpleNamespace(warning=lines.append)
    warn_of_batch_norm(torch.nn.BatchNorm1d(2).train(train), logger)
    return lines


def test_batch_norm_of_cpu_ranks_is_said():
    for lines in run_on_ranks(warn_on_rank, True):
        assert 'SyncBN' in lines[0]
    assert run_on_ranks(warn_on_rank, False) == [[], []]
    assert warn_on_rank(True) == []
