from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmcion.datasets.reid.published_counts import PUBLISHED
from mmcion.datasets.transforms import build_pipeline
from mmcion.models import find_architecture
from mmcion.registry import MODELS

FOLDER = Path(__file__).parents[1] / 'configs'
CONFIGS = sorted(FOLDER.glob('*.py'))


def test_six_networks_on_two_sets():
    assert len(CONFIGS) == 12


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_is_what_its_name_says(path):
    cfg = Config.fromfile(path)
    _, arch, _, data = path.stem.split('_')
    plain = find_architecture(cfg.model.backbone.backbone)
    assert plain == arch.replace('-', '_')
    for loader in ('train', 'val', 'test'):
        settings = cfg[f'{loader}_dataloader']
        assert settings.dataset.type.lower() == data.removesuffix('-384x128')
        assert settings.dataset.data_root == cfg.data_root
        key = 'train_pipeline' if loader == 'train' else 'test_pipeline'
        assert settings.dataset.pipeline == cfg[key]
    published = PUBLISHED[settings.dataset.type]['train']
    assert cfg.model.head.num_classes == published.pids
    # 202 and 509 iterations
    assert published.units // 64 in (202, 509)
    assert cfg.train_dataloader.batch_size * 4 == 64


@pytest.mark.parametrize(
    ('data', 'number'), [('market1501', 70.358), ('msmt17', 70.952)]
)
def test_number_of_parameters(data, number):
    cfg = Config.fromfile(FOLDER / f'mgn_resnet50_4xb16-60e_{data}-384x128.py')
    with DefaultScope.overwrite_default_scope('mmcion'):
        model = MODELS.build(cfg.model)
    total = sum(p.numel() for p in model.parameters())
    assert round(total / 1e6, 3) == number
    # all decay, and the BN biases of the eight heads alone stay
    still = [n for n, p in model.named_parameters() if not p.requires_grad]
    assert len(still) == 8 and all(n.endswith('.bn.bias') for n in still)


def test_images_are_erased_in_black():
    cfg = Config.fromfile(CONFIGS[0])
    with DefaultScope.overwrite_default_scope('mmcion'):
        changes = build_pipeline(cfg.train_pipeline[1:-1])
    torch.manual_seed(0)
    image = torch.full((3, 100, 70), 200, dtype=torch.uint8)
    views = [changes({'img': image})['img'] for _ in range(20)]
    assert {view.shape for view in views} == {(3, 384, 128)}
    # a border of 10 pixels is less than 16 % of the area
    black = [(view == 0).float().mean().item() for view in views]
    assert max(black) > 0.16
    assert all(set(view.unique().tolist()) <= {0, 200} for view in views)
