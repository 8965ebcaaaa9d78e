import math
from pathlib import Path

import pytest
from mmengine.config import Config

from mmcion.datasets.reid.published_counts import PUBLISHED

CONFIGS = sorted((Path(__file__).parents[1] / 'configs').glob('*.py'))
# images, identities
CUHK_SYSU = (34_574, 11_934)
CUHK02 = (7_264, 1_816)
BACKGROUND = {'Market1501': (2_798, 1)}  # in the gallery


def size(dataset):
    """Images and identities to train on."""
    if dataset.type == 'FolderReID':
        return CUHK_SYSU
    if dataset.type == 'CUHK02':
        return CUHK02
    name = dataset.type + (' detected' if 'boxes' in dataset else '')
    parts = PUBLISHED[name]
    if dataset.split == 'train':
        return parts['train'].units, parts['train'].pids
    images, pids = BACKGROUND.get(dataset.type, (0, 0))
    return (
        sum(part.units for part in parts.values()) - images,
        parts['train'].pids + parts['gallery'].pids - pids,
    )


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_sources_are_those_of_the_protocol(path):
    cfg = Config.fromfile(path)
    train = cfg.train_dataloader.dataset
    target = cfg.test_dataloader.dataset.type
    sources = {dataset.type for dataset in train.datasets}
    is_first = 'protocol1' in path.stem
    extra = 'CUHK02' if is_first else 'MSMT17'
    everything = {'Market1501', extra, 'CUHK03NP', 'FolderReID'}
    assert sources == everything - {target}
    assert target.lower() in path.stem
    wanted = 'train' if 'protocol2' in path.stem else 'all'
    assert all(
        # of these, no part is a test
        d.split == ('train' if d.type in ('FolderReID', 'CUHK02') else wanted)
        for d in train.datasets
    )
    assert train.pipeline == cfg.train_pipeline
    assert cfg.val_cfg is None and 'val_dataloader' not in cfg
    sizes = [size(dataset) for dataset in train.datasets]
    assert cfg.model.head.num_classes == sum(pids for _, pids in sizes)
    steps = 60 * (200 if target == 'MSMT17' else 500)
    steps *= 2 if 'protocol3' in path.stem else 1
    per_epoch = math.ceil(sum(images for images, _ in sizes) / 256)
    epochs = steps / per_epoch
    assert cfg.train_cfg.max_epochs == pytest.approx(epochs, abs=0.5)
