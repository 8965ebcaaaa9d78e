import cv2
import numpy as np
import pytest

from mmcion.testing import draw_looks, draw_person, write_people
from mmcion.utils.checks import UserError

NAMES = ('c0_0', 'c0_2', 'c1_1')


def test_a_folder_per_identity_and_cameras_in_turn(tmp_path):
    for name in ('a', 'b'):
        write_people(tmp_path / name, num_identities=2, num_images=3)
    files = sorted((tmp_path / 'a').rglob('*.jpg'))
    assert [str(file.relative_to(tmp_path / 'a')) for file in files] == [
        f'000{pid}/{name}.jpg' for pid in (0, 1) for name in NAMES
    ]
    assert cv2.imread(str(files[0])).shape == (128, 64, 3)
    for file in files:
        again = tmp_path / 'b' / file.relative_to(tmp_path / 'a')
        assert again.read_bytes() == file.read_bytes()


def test_a_camera_has_colours_of_its_own():
    look = draw_looks(1, np.random.default_rng(0))[0]
    first, second = (
        draw_person(look, cam_id, np.random.default_rng(0), (64, 32))
        for cam_id in (0, 1)
    )
    assert first.shape == (64, 32, 3) and first.dtype == np.uint8
    blue, red = 0, 2
    assert first[..., blue].mean() > first[..., red].mean()
    assert second[..., blue].mean() < second[..., red].mean()


def test_nobody_cannot_be_drawn(tmp_path):
    with pytest.raises(UserError, match='num_identities'):
        write_people(tmp_path, num_identities=0)
