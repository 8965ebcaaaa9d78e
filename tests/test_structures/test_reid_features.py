import numpy as np
import pytest

from mmcion.structures import ReIDFeatures
from mmcion.utils.checks import UserError


def make_features(rows=6, **columns):
    rng = np.random.default_rng(0)
    values = {
        'feature': rng.normal(size=(rows, 3)),
        'pid': np.arange(rows),
        'cam_id': np.zeros(rows, int),
        'is_query': np.arange(rows) < 2,
        'img_path': [f'{i}.jpg' for i in range(rows)],
    }
    return ReIDFeatures(**{**values, **columns})


def test_file_holds_all_columns(tmp_path):
    saved = make_features(tracklet_id=[0, 0, 1, 2, -1, -1])
    saved.save(tmp_path / 'new' / 'features.npz')
    loaded = ReIDFeatures.load(tmp_path / 'new' / 'features.npz')
    for name, column in vars(saved).items():
        np.testing.assert_array_equal(getattr(loaded, name), column)
        assert getattr(loaded, name).dtype == column.dtype


def test_file_without_tracklets_is_read(tmp_path):
    columns = vars(make_features())
    columns.pop('tracklet_id')
    np.savez(tmp_path / 'features.npz', **columns)
    loaded = ReIDFeatures.load(tmp_path / 'features.npz')
    assert (loaded.tracklet_id == -1).all()


@pytest.mark.parametrize(
    ('column', 'value', 'message'),
    [
        ('feature', np.zeros(6), r'feature .*\(6,\)'),
        ('pid', np.arange(5), r'pid .*\(6,\).*\(5,\)'),
        ('pid', list('abcdef'), 'pid'),
        ('is_query', list('010101'), 'is_query'),
        ('is_query', [0, 1, 2, 0, 0, 0], 'is_query'),
        ('cam_id', [0.5] * 6, 'cam_id'),
    ],
)
def test_wrong_columns_are_refused(column, value, message):
    with pytest.raises(UserError, match=message):
        make_features(**{column: value})


def test_wrong_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='--dump-features'):
        ReIDFeatures.load(tmp_path / 'none.npz')
    path = tmp_path / 'features.npz'
    path.write_bytes(b'PK and no more')
    with pytest.raises(UserError, match='features.npz'):
        ReIDFeatures.load(path)
    np.savez(path, feature=np.zeros((2, 3)), pid=[1, 2])
    with pytest.raises(UserError, match='cam_id, is_query, img_path'):
        ReIDFeatures.load(path)
    np.savez(path, feature=np.array([{}], object))
    with pytest.raises(UserError, match='features.npz'):
        ReIDFeatures.load(path)


def test_means_of_tracklets_by_hand():
    features = make_features(
        feature=[[1, 0], [5, 5], [0, 3], [2, 2], [3, 0], [9, 9]],
        tracklet_id=[7, 9, 2, 7, 2, 4],
    ).tracklet_means()
    expected = [[1.5, 1], [5, 5], [1.5, 1.5], [9, 9]]
    np.testing.assert_array_equal(features.feature, expected)
    assert features.img_path.tolist() == ['0.jpg', '1.jpg', '2.jpg', '5.jpg']
    assert features.tracklet_id.tolist() == [7, 9, 2, 4]


def test_means_need_a_tracklet_of_every_image():
    assert len(make_features().take(np.array([], int)).tracklet_means()) == 0
    with pytest.raises(UserError, match=r'1\.jpg'):
        make_features(tracklet_id=[7, -1, 2, 7, 2, 4]).tracklet_means()
