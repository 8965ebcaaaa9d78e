import pytest
import torch
import torch.distributed as torch_dist
from mmengine.config import Config
from mmengine.dist import get_dist_info

from mmcion.utils.dist import adapt_to_cpu_ranks, ranks

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


@NO_CUDA
def test_slurm_needs_gpus():
    with (
        pytest.raises(ValueError, match="'slurm' needs GPUs; on CPU"),
        ranks('slurm'),
    ):
        pass


def adapted():
    cfg = Config({'sync_bn': 'torch', 'env_cfg': {'dist_cfg': {}}})
    adapt_to_cpu_ranks(cfg)
    return cfg.to_dict()


def test_one_process_keeps_its_config():
    assert adapted() == {'sync_bn': 'torch', 'env_cfg': {'dist_cfg': {}}}


@NO_CUDA
def test_cpu_ranks_get_plain_ddp_without_sync_bn():
    for cfg in run_on_ranks(adapted):
        assert cfg['model_wrapper_cfg']['device_ids'] is None
        assert cfg['model_wrapper_cfg']['broadcast_buffers'] is False
        assert cfg['sync_bn'] is None
        assert cfg['env_cfg']['dist_cfg']['backend'] == 'gloo'
