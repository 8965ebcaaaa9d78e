"""Tiny archives with the file names of the real ones."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmcion.registry import DATASETS, METRICS

FRAGMENTS = Path(__file__).parents[3] / 'configs' / '_base_' / 'datasets'

MARKET = {
    'bounding_box_train': (
        '0002_c1s1_000451_03.jpg',
        '0002_c2s1_000301_01.jpg',
        '0007_c6s3_077392_01.jpg',
        'Thumbs.db',
    ),
    'query': ('0001_c1s1_001051_00.jpg', '0003_c3s2_000001_00.jpg'),
    'bounding_box_test': (
        '-1_c1s1_000401_03.jpg',  # junk
        '0000_c2s1_000151_01.jpg',  # distractor
        '0001_c1s1_002301_02.jpg',  # same camera as its query
        '0001_c4s6_016996_01.jpg',
        '0003_c3s2_000002_00.jpg',  # nowhere else
    ),
}
MSMT17_LISTS = {
    'list_train.txt': ('0000/0000_000_01_0303morning_0015_0.jpg 0',),
    'list_val.txt': (
        '0000/0000_001_15_0303noon_0066_1.jpg 0',
        '0001/0001_000_10_0113noon_0016_0.jpg 1',
    ),
    'list_query.txt': ('0000/0000_001_05_0303noon_0033_0.jpg 0',),
    'list_gallery.txt': ('0000/0000_002_14_0303noon_0044_1.jpg 0',),
}


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'image')
    return root


def write_tree(root, folders):
    for folder, names in folders.items():
        touch(root / folder, *names)
    return root


def write_msmt17(root, folders=('train', 'test')):
    for name, lines in MSMT17_LISTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('\n'.join(lines) + '\n')
        is_test = 'query' in name or 'gallery' in name
        touch(root / folders[is_test], *(line.split()[0] for line in lines))
    return root


def build(name, root, split='test', **options):
    return DATASETS.build(
        {'type': name, 'data_root': str(root), 'split': split, **options}
    )


def scores_of(dataset, fragment, features):
    """Return what the evaluator of a fragment says of made-up features."""
    cfg = Config.fromfile(FRAGMENTS / f'{fragment}.py')
    with DefaultScope.overwrite_default_scope('mmcion'):
        metric = METRICS.build(cfg.test_evaluator)
    samples = [
        {**dataset.get_data_info(row), 'feature': torch.tensor(feature)}
        for row, feature in enumerate(features)
    ]
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def rows_of(dataset):
    """Return (file name, pid, cam_id, is_query) of every row."""
    rows = map(dataset.get_data_info, range(len(dataset)))
    return [
        (
            Path(row['img_path']).name,
            row['pid'],
            row['cam_id'],
            row['is_query'],
        )
        for row in rows
    ]


def ids_of(dataset):
    """Return (pid, cam_id) of every row."""
    return [row[1:3] for row in rows_of(dataset)]
