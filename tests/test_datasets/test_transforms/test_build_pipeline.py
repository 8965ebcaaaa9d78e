import pytest
import torch

from mmcion.datasets.transforms import build_pipeline


def test_configs_and_callables_run_in_order():
    pipeline = build_pipeline(
        [{'type': 'ResizeImage', 'size': (4, 2)}, lambda r: r['img'].shape]
    )
    image = torch.zeros(3, 8, 8, dtype=torch.uint8)
    assert pipeline({'img': image}) == (3, 4, 2)


def test_unknown_name_is_told():
    with pytest.raises(KeyError, match='NoSuchTransform'):
        build_pipeline([{'type': 'NoSuchTransform'}])
