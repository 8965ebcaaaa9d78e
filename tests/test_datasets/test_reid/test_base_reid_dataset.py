import numpy as np
import pytest
from mmengine.dataset import DefaultSampler

from mmcion.datasets import IdentitySampler
from mmcion.datasets.reid import BaseReIDDataset
from mmcion.datasets.reid.reid_image import ReIDImage
from mmcion.utils.checks import UserError


class Listed(BaseReIDDataset):
    def __init__(self, parts, split):
        self.images = {
            part: [ReIDImage(f'{part}{n}.jpg', *each) for n, each in items]
            for part, items in (
                (p, enumerate(ids)) for p, ids in parts.items()
            )
        }
        super().__init__('data', split)

    def read(self):
        return self.images


def test_labels_are_the_places_of_sorted_identities():
    ids = ((12, 0), (-1, 0), (7, 3), (0, 1), (12, 2))
    dataset = Listed({'train': ids}, 'train')
    assert dataset.pids.tolist() == [2, 1, 0, 2]
    assert dataset.cam_ids.tolist() == [0, 3, 1, 2]


def test_queries_come_first_and_other_parts_are_gallery(messages):
    parts = {'gallery': ((3, 1),), 'query': ((3, 0),), 'more': ((0, 0),)}
    dataset = Listed(parts, 'test')
    infos = [dataset.get_data_info(row) for row in range(3)]
    assert [info['img_path'][:-5] for info in infos] == [
        'query',
        'gallery',
        'more',
    ]
    assert [info['is_query'] for info in infos] == [True, False, False]
    assert '2 gallery images, 1 queries, 1 with' in messages[0][1]


def test_labels_of_a_subset_are_those_of_its_rows(monkeypatch):
    parts = {'query': ((3, 0), (4, 1)), 'gallery': ((3, 1), (5, 2))}
    dataset = Listed(parts, 'test')
    subset = dataset.get_subset([3, 0])
    assert subset.pids.tolist() == [5, 3]
    assert subset.is_query.tolist() == [False, True]
    dataset.get_subset_([1, 2, 3, 0])
    assert dataset.cam_ids.tolist() == [1, 1, 2, 0]
    # the rows as they were read are not unpacked for their labels
    whole = Listed(parts, 'test')
    monkeypatch.setattr(whole, 'get_data_info', None)
    assert whole.pids.tolist() == [3, 4, 3, 5]


def test_sampler_takes_the_training_split():
    ids = [(pid, cam) for pid in (5, 9, 40) for cam in range(2)]
    dataset = Listed({'train': ids}, 'train')
    sampler = IdentitySampler(
        DefaultSampler(dataset, seed=0), 4, 2, balance_cameras=True
    )
    pids = dataset.pids[np.array(list(sampler))].reshape(-1, 2)
    assert (pids[:, 0] == pids[:, 1]).all()


def test_unknown_split():
    with pytest.raises(UserError, match=r"split must be .* got 'val'"):
        Listed({}, 'val')


def test_nothing_is_listed():
    with pytest.raises(UserError, match='Listed in data has no images of'):
        Listed({'train': ()}, 'train')
