import cv2
import numpy as np
import pytest

from mmcion.testing import draw_figure, draw_looks, photograph, write_people
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


def test_a_figure_stands_before_its_background_in_the_cameras_colours():
    look = draw_looks(1, np.random.default_rng(0))[0]
    figure = draw_figure(look, 0)
    background = np.full((4, 2, 3), 100, np.uint8)
    camera = np.array([0.5, 1, 2])
    rng = np.random.default_rng(0)
    image = photograph(figure, background, camera, (64, 32), rng)
    assert image.shape == (64, 32, 3) and image.dtype == np.uint8
    blue, green, red = image[:, :4].reshape(-1, 3).mean(0)  # its left edge
    assert 0.4 < blue / green < 0.6 and 1.8 < red / green < 2.2
    assert (np.abs(image[..., 1] - green) > 25).mean() > 0.1


def test_nobody_cannot_be_drawn(tmp_path):
    with pytest.raises(UserError, match='num_identities'):
        write_people(tmp_path, num_identities=0)
