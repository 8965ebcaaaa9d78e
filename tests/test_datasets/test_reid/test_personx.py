import pytest

from mmcion.utils.checks import UserError

from .trees import build, ids_of, touch


def test_cameras_become_0_to_5(tmp_path):
    names = [f'0001_c{camera}_1.jpg' for camera in (3, 4, 8, 10, 11, 12)]
    touch(tmp_path / 'PersonX' / 'bounding_box_train', *names)
    dataset = build('PersonX', tmp_path, 'train')
    assert sorted(dataset.cam_ids.tolist()) == [0, 1, 2, 3, 4, 5]
    # sorted by name: c10, c11, c12, c3, ...
    assert ids_of(dataset)[:4] == [(0, 3), (0, 4), (0, 5), (0, 0)]


def test_camera_of_another_subset(tmp_path):
    touch(tmp_path / 'bounding_box_train', '0001_c1_1.jpg')
    with pytest.raises(UserError, match=r'c1_1\.jpg .* 1\.$'):
        build('PersonX', tmp_path, 'train')
