import csv

import pytest

from mmcion.datasets import HoldOutReID
from mmcion.utils.checks import UserError


@pytest.fixture
def dataset(tmp_path):
    """Config of a set with 20 identities to train on, 4 images each."""
    rows = [('path', 'pid', 'cam_id', 'split')]
    for pid in range(-1, 22):
        split = 'train' if pid < 20 else ('query', 'gallery')[pid % 2]
        rows += [(f'{pid}_{n}.png', pid, n % 2, split) for n in range(4)]
    with open(tmp_path / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)
    return {
        'type': 'ReIDDataset',
        'ann_file': str(tmp_path / 'images.csv'),
        'data_root': str(tmp_path),
    }


def identities(part):
    paths = [part.get_data_info(row)['img_path'] for row in range(len(part))]
    return {path.rpartition('/')[2].partition('_')[0] for path in paths}


def test_identities_are_in_one_part_only(dataset):
    train = HoldOutReID(dataset, 'train', hold_out=0.2)
    test = HoldOutReID(dataset, hold_out=0.2)
    assert len(train) == 16 * 4 and len(test) == 4 * 4
    assert not identities(train) & identities(test)
    # neither junk nor the test of the set
    expected = set(map(str, range(20)))
    assert identities(train) | identities(test) == expected
    assert sorted(set(train.pids)) == list(range(16))
    # a query of every camera
    assert test.is_query.sum() == 2 * 4


def test_seed_draws_the_identities(dataset):
    parts = [
        identities(HoldOutReID(dataset, hold_out=0.2, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert parts[0] == parts[1] != parts[2]


def test_nothing_held_out_leaves_all_to_train_on(dataset):
    assert len(HoldOutReID(dataset, 'train', hold_out=0)) == 80
    with pytest.raises(UserError, match='no images of test'):
        HoldOutReID(dataset, hold_out=0)


def test_fraction_must_be_one(dataset):
    with pytest.raises(UserError, match=r'1\.0'):
        HoldOutReID(dataset, hold_out=1.0)


def test_all_has_both_parts(dataset):
    whole = HoldOutReID(dataset, 'all', hold_out=0.2)
    assert len(whole) == 80
    assert sorted(set(whole.pids)) == list(range(20))
    assert identities(whole) == set(map(str, range(20)))


def test_images_of_the_test_are_divided_if_the_set_trains_on_them(dataset):
    parts = [
        HoldOutReID({**dataset, 'split': 'all'}, split, hold_out=0.25)
        for split in ('train', 'test', 'all')
    ]
    train, test, both = map(identities, parts)
    # round(0.25 x 22) of the 20 identities to train on and 2 to test
    assert [len(train), len(test)] == [16, 6] and not train & test
    assert train | test == both == set(map(str, range(22)))
    assert sorted(set(parts[2].pids)) == list(range(22))
    with pytest.raises(UserError, match="'test'"):
        HoldOutReID({**dataset, 'split': 'test'})


def test_few_images_of_the_set_stay_few(dataset, tmp_path):
    (tmp_path / 'ids.txt').write_text('3\n5\n7\n11\n')
    few = {**dataset, 'few_shot': str(tmp_path / 'ids.txt')}
    train = HoldOutReID(few, 'train', hold_out=0.25)
    assert identities(train) < {'3', '5', '7', '11'} and len(train) == 12


def test_queries_of_a_modality_rank_the_other(dataset):
    test = HoldOutReID(dataset, hold_out=0.2, query_cams=(1,))
    assert (test.is_query == (test.cam_ids == 1)).all()
    assert test.is_query.sum() == 4 * 2 and len(test) == 4 * 4
