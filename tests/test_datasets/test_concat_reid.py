import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler

from mmcion.datasets import ConcatReID, IdentitySampler, Market1501
from mmcion.datasets.samplers import Draw
from mmcion.utils.checks import UserError
from tests.tiny import write_identities, write_image

PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'mmpretrain.torchvision/RandomHorizontalFlip'},
    {'type': 'PackReIDInputs'},
]


@pytest.fixture
def configs(tmp_path):
    """Market-1501 with two identities, and an annotation with four."""
    market = tmp_path / 'market'
    for number, name in enumerate(
        ('0002_c1s1_000451_03', '0002_c2s1_000301_01', '0007_c6s3_077392_01')
    ):
        path = market / 'bounding_box_train' / f'{name}.png'
        write_image(path, seed=100 + number)
    for part in ('query', 'bounding_box_test'):
        for pid in ('-1', '0000', '0009'):
            write_image(market / part / f'{pid}_c3s1_000451_03.png')
    folder = write_identities(tmp_path / 'more')
    return [
        {'type': 'Market1501', 'data_root': str(market), 'split': 'train'},
        {
            'type': 'IdentityDataset',
            'ann_file': str(folder / 'annotation'),
            'data_root': str(folder),
        },
    ]


def test_identities_and_cameras_of_sets_differ(configs):
    dataset = ConcatReID(configs, PIPELINE)
    assert dataset.pids.tolist() == [0, 0, 1, *np.repeat(range(2, 6), 4)]
    cameras = [0, 1, 5, *[6, 6, 6, 6, 7, 7, 7, 7] * 2]
    assert dataset.cam_ids.tolist() == cameras
    assert dataset.metainfo == {'num_images': 19, 'num_identities': 6}
    for row in range(19):
        sample = dataset[row]['data_samples']
        labels = (sample.pid, sample.cam_id)
        assert labels == (dataset.pids[row], dataset.cam_ids[row])
    swapped = ConcatReID(configs[::-1], PIPELINE)
    assert swapped.pids.tolist()[-3:] == [4, 4, 5]


def test_draws_keep_their_seed(configs):
    dataset = ConcatReID(configs, PIPELINE)
    for row in (1, 7):
        views = [
            dataset[Draw(row, (0, 0, seed))]['inputs']
            for seed in (1, 2, 3, 4, 1, 2, 3, 4)
        ]
        assert all(
            torch.equal(*pair)
            for pair in zip(views[:4], views[4:], strict=True)
        )
        assert not all(torch.equal(views[0], view) for view in views)


def test_sampler_draws_from_all_sets(configs):
    dataset = ConcatReID(configs, PIPELINE)
    sampler = DefaultSampler(dataset, seed=0)
    batches = list(IdentitySampler(sampler, 4, 2, balance_cameras=True))
    drawn = {int(dataset.pids[row]) for batch in batches for row in batch}
    assert len(drawn) > 4


def test_all_images_of_a_set_are_for_training(configs):
    root = configs[0]['data_root']
    dataset = Market1501(root, 'all')
    # junk and background are dropped, and the test is of another identity
    assert dataset.pids.tolist() == [0, 0, 1, 2, 2]
    assert dataset.get_data_info(4)['pid'] == 2


def test_test_split_and_own_pipelines_are_refused(configs):
    with pytest.raises(UserError, match='Market1501'):
        ConcatReID([{**configs[0], 'split': 'test'}])
    with pytest.raises(UserError, match='Market1501'):
        ConcatReID([{**configs[0], 'pipeline': PIPELINE}])
    with pytest.raises(UserError, match='no datasets'):
        ConcatReID([])
