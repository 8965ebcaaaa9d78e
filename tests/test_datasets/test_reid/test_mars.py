import numpy as np
import pytest
from scipy.io import savemat

from mmcion.datasets import PackReIDInputs
from mmcion.utils.checks import UserError

from .trees import build, rows_of, scores_of, touch

NAMES = {
    'train': ('0001C1T0001F001.jpg', '0001C1T0001F002.jpg'),
    'test': (
        '00-1C1T0001F001.jpg',  # junk
        '0000C2T0001F001.jpg',  # distractor
        '0002C1T0001F001.jpg',
        '0002C1T0001F002.jpg',
        '0002C6T0001F001.jpg',
        '0002C6T0001F002.jpg',
    ),
}
TABLES = {
    'train': [[1, 2, 1, 1]],
    'test': [[1, 1, -1, 1], [2, 2, 0, 2], [3, 4, 2, 1], [5, 6, 2, 6]],
}


def write_table(root, name, rows):
    table = {f'track_{name}_info': np.array(rows)}
    savemat(root / f'info/tracks_{name}_info.mat', table)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'mars'
    for split, names in NAMES.items():
        touch(root / f'bbox_{split}', *(f'{n[:4]}/{n}' for n in names))
        touch(root, f'info/{split}_name.txt')
        text = ''.join(f'{name}\n' for name in names)
        (root / f'info/{split}_name.txt').write_text(text)
        write_table(root, split, TABLES[split])
    savemat(root / 'info/query_IDX.mat', {'query_IDX': np.array([[3]])})
    return root


def test_images_know_their_tracklets(root):
    dataset = build('MARS', root.parent)
    assert rows_of(dataset) == [
        ('0002C1T0001F001.jpg', 2, 0, True),
        ('0002C1T0001F002.jpg', 2, 0, True),
        ('00-1C1T0001F001.jpg', -1, 0, False),
        ('0000C2T0001F001.jpg', 0, 1, False),
        ('0002C6T0001F001.jpg', 2, 5, False),
        ('0002C6T0001F002.jpg', 2, 5, False),
    ]
    tracklets = [dataset.get_data_info(row)['tracklet_id'] for row in range(6)]
    assert tracklets == [2, 2, 0, 1, 3, 3]


def test_training_split(root):
    dataset = build('MARS', root, 'train', pipeline=[])
    assert dataset.pids.tolist() == [0, 0]
    info = dataset.get_data_info(0)
    packed = PackReIDInputs()({**info, 'img': np.zeros(1)})
    assert packed['data_samples'].tracklet_id == 0


def test_tracklets_are_counted(root, messages):
    build('MARS', root)
    texts = [text for _, text in messages]
    assert 'MARS, query: found 1 tracklets, 1 identities' in texts[0]
    assert 'MARS, gallery: found 2 tracklets' in texts[1]
    assert '3 gallery tracklets, 1 queries, 1 with a valid' in texts[2]


def test_info_is_missing(root):
    for path in (root / 'info').iterdir():
        path.unlink()
    message = r'is missing info/test_name.txt, .* MARS-evaluation repository'
    with pytest.raises(FileNotFoundError, match=message):
        build('MARS', root)


def test_half_unpacked(root):
    (root / 'bbox_test/0002/0002C6T0001F001.jpg').unlink()
    message = r'1 of 6 images in .*test_name.txt are missing'
    with pytest.raises(FileNotFoundError, match=message):
        build('MARS', root)


@pytest.mark.parametrize('row', [[2, 2, 2, 1], [1, 3, 1, 1], [1, 2, 1, 2]])
def test_table_and_names_disagree(root, row):
    write_table(root, 'train', [[1, 1, 1, 1], row])
    with pytest.raises(UserError, match=r'mat, row 2: images .* not named'):
        build('MARS', root, 'train')


def test_another_table(root):
    savemat(root / 'info/query_IDX.mat', {'other': np.zeros((1, 1))})
    with pytest.raises(UserError, match=r'query_IDX\.mat .* query_IDX'):
        build('MARS', root)


@pytest.mark.parametrize('rows', [[[0]], [[3, 5]]])
def test_query_of_no_tracklet(root, rows):
    savemat(root / 'info/query_IDX.mat', {'query_IDX': np.array(rows)})
    message = r'query_IDX.mat: .* are not all rows of .*test_info.mat'
    with pytest.raises(UserError, match=message):
        build('MARS', root)


def test_fragment_ranks_tracklets(root):
    # the distractor is nearest to one image of the query
    feats = [[1, 0.0], [0, 1], [1, 0], [1, 0], [1, 0.5], [0.5, 1]]
    scores = scores_of(build('MARS', root), 'mars', feats)
    assert scores['reid/num_queries'] == 1
    assert scores['reid/mAP'] == scores['reid/Rank-1'] == 1
