import pytest
import torch

from mmcion.evaluation import ReIDMetric

from .trees import MARKET, build, rows_of, touch, write_tree


@pytest.fixture
def root(tmp_path):
    return write_tree(tmp_path / 'market1501', MARKET)


def test_train_is_relabelled_in_sorted_order(root):
    dataset = build('Market1501', root, 'train')
    assert rows_of(dataset) == [
        ('0002_c1s1_000451_03.jpg', 0, 0, False),
        ('0002_c2s1_000301_01.jpg', 0, 1, False),
        ('0007_c6s3_077392_01.jpg', 1, 5, False),
    ]
    assert dataset.pids.tolist() == [0, 0, 1]
    assert dataset.cam_ids.tolist() == [0, 1, 5]


def test_junk_and_distractors_stay_in_the_gallery(root):
    assert rows_of(build('Market1501', root)) == [
        ('0001_c1s1_001051_00.jpg', 1, 0, True),
        ('0003_c3s2_000001_00.jpg', 3, 2, True),
        ('-1_c1s1_000401_03.jpg', -1, 0, False),
        ('0000_c2s1_000151_01.jpg', 0, 1, False),
        ('0001_c1s1_002301_02.jpg', 1, 0, False),
        ('0001_c4s6_016996_01.jpg', 1, 3, False),
        ('0003_c3s2_000002_00.jpg', 3, 2, False),
    ]


@pytest.mark.parametrize(
    'below', ['Market-1501-v15.09.15', 'market1501/Market-1501-v15.09.15']
)
def test_data_root_may_lie_above(tmp_path, below):
    write_tree(tmp_path / below, MARKET)
    assert len(build('Market1501', tmp_path)) == 7


def test_empty_folder_of_a_broken_unpacking(root):
    for path in (root / 'query').iterdir():
        path.unlink()
    message = r'query has no image .*Has the archive been'
    with pytest.raises(FileNotFoundError, match=message):
        build('Market1501', root)


def test_junk_is_not_trained_on(root):
    touch(root / 'bounding_box_train', '-1_c1s1_000401_03.jpg')
    assert build('Market1501', root, 'train').pids.tolist() == [0, 0, 1]


def test_500k_distractors(root):
    touch(root / 'images', '0000_c1s1_000001_00.jpg')
    assert len(build('Market1501', root)) == 7
    dataset = build('Market1501', root, distractors=True)
    assert rows_of(dataset)[-1] == ('0000_c1s1_000001_00.jpg', 0, 0, False)
    assert len(build('Market1501', root, 'train', distractors=True)) == 3


def test_500k_distractors_are_missing(root):
    with pytest.raises(FileNotFoundError, match=r'is missing images; .* 500k'):
        build('Market1501', root, distractors=True)


def test_metric_ignores_junk_and_the_same_camera(root):
    dataset = build('Market1501', root)
    # the query, then the gallery: only the distractor is before the match
    feats = [[1, 0], [0, 1], [1, 0], [1, 0.1], [1, 0], [1, 0.2], [0, 1]]
    metric = ReIDMetric()
    samples = [
        {**dataset.get_data_info(row), 'feature': torch.tensor(feat).float()}
        for row, feat in enumerate(feats)
    ]
    metric.process(None, samples)
    scores = metric.evaluate(len(samples))
    assert scores['reid/num_valid_queries'] == 1
    assert scores['reid/mAP'] == 0.5
    assert scores['reid/Rank-1'] == 0
    assert scores['reid/Rank-5'] == 1


def test_images_sorted_by_person_point_to_the_data_set_for_them(root):
    (root / 'query' / '0001').mkdir()
    (root / 'query' / '.DS_Store').touch()
    for path in (root / 'query').glob('*.jpg'):
        path.rename(root / 'query' / '0001' / path.name)
    with pytest.raises(
        FileNotFoundError, match=r'query has no image.*FolderReID'
    ):
        build('Market1501', root)
