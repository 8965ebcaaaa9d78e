import pytest

from mmcion.utils.checks import UserError

from .trees import build, ids_of, rows_of, scores_of, touch

IMAGES = (
    'cam1/0002/0001.jpg',
    'cam3/0002/0004.jpg',
    'cam6/0010/0001.jpg',
    'cam1/0006/0003.jpg',
    'cam2/0006/0002.jpg',
    'cam2/0006/0001.jpg',
    'cam3/0006/0001.jpg',
    'cam4/0001/0001.jpg',  # of no split
    'cam5/0004/0001.jpg',
    'cam6/0004/0001.jpg',
)


@pytest.fixture
def root(tmp_path):
    root = touch(tmp_path / 'SYSU-MM01', *IMAGES)
    (root / 'exp').mkdir()
    lists = {'train_id': '10', 'val_id': '2', 'test_id': '6,4\n'}
    for name, text in lists.items():
        (root / 'exp' / f'{name}.txt').write_text(text)
    return root


def test_training_and_validation_identities(root):
    dataset = build('SYSUMM01', root.parent, 'train')
    assert ids_of(dataset) == [(0, 1), (0, 3), (1, 6)]


def test_infrared_queries_have_a_visible_gallery(root):
    assert rows_of(build('SYSUMM01', root)) == [
        ('0001.jpg', 4, 6, True),
        ('0001.jpg', 6, 3, True),
        ('0001.jpg', 4, 5, False),
        ('0003.jpg', 6, 1, False),
        ('0001.jpg', 6, 2, False),
        ('0002.jpg', 6, 2, False),
    ]


def test_half_unpacked(root):
    (root / 'cam5/0004/0001.jpg').unlink()
    (root / 'cam5/0004').rmdir()
    (root / 'cam5').rmdir()
    with pytest.raises(
        FileNotFoundError, match=r'is missing cam5; it has cam1'
    ):
        build('SYSUMM01', root)


def test_list_is_missing(root):
    (root / 'exp/test_id.txt').unlink()
    with pytest.raises(
        FileNotFoundError, match=r'is missing exp/test_id.txt; it'
    ):
        build('SYSUMM01', root)


def test_identity_without_images(root):
    for camera, name in ((5, '0001.jpg'), (6, '0001.jpg')):
        (root / f'cam{camera}/0004' / name).unlink()
    message = 'no image of identities 4'
    with pytest.raises(FileNotFoundError, match=message):
        build('SYSUMM01', root)


def test_camera_2_is_no_match_for_camera_3(tmp_path, messages):
    root = touch(tmp_path, *(f'cam{camera}/x.jpg' for camera in range(1, 7)))
    touch(root, 'cam3/0006/0001.jpg', 'cam2/0006/0001.jpg')
    touch(root, 'cam6/0007/0001.jpg', 'cam2/0007/0001.jpg')
    touch(root, 'exp/test_id.txt').joinpath('exp/test_id.txt').write_text(
        '6,7,\n'
    )
    build('SYSUMM01', root)
    texts = [text for _, text in messages]
    (text,) = [text for text in texts if 'valid match' in text]
    assert '2 gallery images, 2 queries, 1 with a valid match by' in text

    (root / 'exp/test_id.txt').write_text('6')
    messages.clear()
    build('SYSUMM01', root)
    level, text = messages[-1]
    assert level == 30
    assert 'from ignored cameras' in text


def test_list_of_something_else(root):
    (root / 'exp/test_id.txt').write_text('6 4')
    with pytest.raises(UserError, match=r'test_id.txt must be like 1,2,4'):
        build('SYSUMM01', root)


def test_fragment_ignores_camera_2_for_camera_3(root):
    feats = [
        [1, 0, 0.0],
        [0, 1, 0],
        [0.6, 0.8, 0],  # of the first, in camera 5
        [0, 0.5, 0.8],  # of the second, in camera 1
        [0, 1, 0],  # and in camera 2
        [0, 1, 0],
    ]
    scores = scores_of(build('SYSUMM01', root), 'sysumm01', feats)
    assert scores['reid/num_valid_queries'] == 2
    assert scores['reid/mAP'] == pytest.approx(0.75)
    assert scores['reid/Rank-1'] == pytest.approx(0.5)
