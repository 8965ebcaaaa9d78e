import pytest

from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError
from projects.domain_generalization.domain_generalization import SmallSet

# names of the files of each set, with the numbers of its authors
FILES = {
    'VIPeR': [
        f'cam_{cam}/{pid:03d}_{angle}.bmp'
        for pid in range(632)
        for cam, angle in (('a', '45'), ('b', '180'))
    ],
    'PRID2011': [
        f'single_shot/cam_{cam}/person_{pid:04d}.png'
        for cam, number in (('a', 385), ('b', 749))
        for pid in range(1, number + 1)
    ],
    'GRID': [
        f'{part}/{pid:04d}_{number}_25_107.jpeg'
        for part, number in (('probe', 1), ('gallery', 2))
        for pid in range(1, 251)
    ]
    + [f'gallery/0000_3_{number:04d}_107.jpeg' for number in range(775)],
    'iLIDS': [
        f'Persons/{pid:04d}{number:03d}.jpg'
        for pid in range(1, 120)
        for number in range(1, 5)
    ],
}
SIZES = {
    'VIPeR': (316, 316),
    'PRID2011': (100, 649),
    'GRID': (125, 900),
    'iLIDS': (60, 60),
}


def touch(root, names):
    for folder in {name.rpartition('/')[0] for name in names}:
        (root / folder).mkdir(parents=True)
    for name in names:
        (root / name).touch()
    return str(root)


def build(name, root, **options):
    return DATASETS.build({'type': name, 'data_root': root, **options})


@pytest.mark.parametrize('name', FILES)
def test_splits_have_the_sizes_of_the_field(name, tmp_path):
    root = touch(tmp_path, FILES[name])
    dataset = build(name, root)
    assert isinstance(dataset, SmallSet) and 'split 0' in dataset.title
    query = dataset.pids[dataset.is_query]
    gallery = dataset.pids[~dataset.is_query]
    assert (len(query), len(gallery)) == SIZES[name]
    assert len({*query}) == len(query)
    # each has one match, which is another image
    assert all((gallery == pid).sum() == 1 for pid in query)
    paths = [
        dataset.get_data_info(row)['img_path'] for row in range(len(dataset))
    ]
    assert len({*paths}) == len(paths)
    # the same draw for a number, another one for another
    assert build(name, root).pids.tolist() == dataset.pids.tolist()
    other = build(name, root, trial=9)
    assert {*other.pids[other.is_query]} != {*query}
    with pytest.raises(UserError, match='10'):
        build(name, root, trial=10)
    with pytest.raises(UserError, match='test only'):
        build(name, root, split='train')


def test_missing_files_are_an_error(tmp_path):
    root = touch(tmp_path, FILES['VIPeR'][:600])
    with pytest.raises(UserError, match=r'300 identities.* 316'):
        build('VIPeR', root)


def test_cuhk02_has_persons_and_cameras_of_each_pair(tmp_path):
    names = [
        f'P{pair}/cam{cam}/{pid:03d}_{number:05d}.png'
        for pair in range(1, 6)
        for cam in (1, 2)
        for pid in range(1, 4)
        for number in (1, 2)
    ]
    root = touch(tmp_path, names)
    dataset = build('CUHK02', root, split='train')
    assert len(dataset) == len(names)
    assert {*dataset.pids} == {*range(5 * 3)}
    assert {*dataset.cam_ids} == {*range(10)}
    with pytest.raises(UserError, match='train only'):
        build('CUHK02', root)
