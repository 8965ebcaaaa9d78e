import pytest

from mmcion.utils.checks import UserError

from .trees import build, ids_of, rows_of, touch, write_msmt17, write_tree

V2 = ('mask_train_v2', 'mask_test_v2')


@pytest.mark.parametrize(
    ('folders', 'form'), [(('train', 'test'), 'v1'), (V2, 'v2')]
)
def test_version_is_found_and_logged(tmp_path, messages, folders, form):
    root = write_msmt17(tmp_path / 'MSMT17_V9', folders)
    dataset = build('MSMT17', root)
    assert rows_of(dataset) == [
        ('0000_001_05_0303noon_0033_0.jpg', 0, 4, True),
        ('0000_002_14_0303noon_0044_1.jpg', 0, 13, False),
    ]
    assert (20, f'{root}: this is MSMT17 {form}') in messages


@pytest.mark.parametrize('name', ['MSMT17_V2', 'msmt17/MSMT17_V2'])
def test_data_root_may_lie_above(tmp_path, name):
    write_msmt17(tmp_path / name, V2)
    assert len(build('MSMT17', tmp_path)) == 2


def test_both_versions_are_there(tmp_path):
    write_msmt17(tmp_path / 'MSMT17_V1')
    write_msmt17(tmp_path / 'MSMT17_V2', V2)
    message = r'both .*MSMT17_V1 and .*MSMT17_V2'
    with pytest.raises(UserError, match=message):
        build('MSMT17', tmp_path)
    assert len(build('MSMT17', tmp_path / 'MSMT17_V2')) == 2


def test_labels_of_training_and_test_are_kept_apart(tmp_path):
    root = write_msmt17(tmp_path)
    # both begin at 0, and are other identities
    train, test = build('MSMT17', root, 'train'), build('MSMT17', root)
    paths = {
        dataset.get_data_info(row)['img_path']
        for dataset in (train, test)
        for row in range(len(dataset))
        if dataset.get_data_info(row)['pid'] == 0
    }
    assert {path.split('/')[-3] for path in paths} == {'train', 'test'}
    assert len(train) + len(test) == 5


def test_training_takes_both_lists(tmp_path):
    write_msmt17(tmp_path / 'MSMT17_V1')
    dataset = build('MSMT17', tmp_path, 'train')
    assert ids_of(dataset) == [(0, 0), (0, 14), (1, 9)]


def test_repack_has_cameras_of_two_digits(tmp_path, messages):
    tree = {
        'bounding_box_train': ('0000_c12_0036.jpg', '0003_c1_0002.jpg'),
        'query': ('0000_c15_0001.jpg',),
        'bounding_box_test': ('0000_c9_0002.jpg',),
    }
    write_tree(tmp_path, tree)
    assert ids_of(build('MSMT17', tmp_path, 'train')) == [(0, 11), (1, 0)]
    assert ids_of(build('MSMT17', tmp_path)) == [(0, 14), (0, 8)]
    assert any('repacked like Market-1501' in text for _, text in messages)


def test_lists_are_missing(tmp_path):
    root = write_msmt17(tmp_path)
    (root / 'list_gallery.txt').unlink()
    message = (
        r'is missing list_gallery.txt; it has list_query.*Unpack it again'
    )
    with pytest.raises(FileNotFoundError, match=message):
        build('MSMT17', root)


def test_listed_image_is_missing(tmp_path):
    root = write_msmt17(tmp_path)
    (root / 'train/0001/0001_000_10_0113noon_0016_0.jpg').unlink()
    message = r'1 of 2 images in .*list_val.txt are .*/train/0001/'
    with pytest.raises(FileNotFoundError, match=message):
        build('MSMT17', root, 'train')


@pytest.mark.parametrize('line', ['a.jpg 0', '0000/0_0_01_a.jpg', '0_0_x 0'])
def test_wrong_line(tmp_path, line):
    root = write_msmt17(tmp_path)
    (root / 'list_query.txt').write_text(f'\n{line}\n')
    touch(root / 'test', 'a.jpg')
    with pytest.raises(UserError, match=r'list_query.txt, line 2 must be'):
        build('MSMT17', root)
