import cv2
import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.video.crops import CropFolders, CropSettings, crop_window


@pytest.mark.parametrize(
    ('box', 'padding', 'expected'),
    [
        ((10, 20, 30, 60), 0, (10, 20, 30, 60)),
        ((10, 20, 30, 60), 0.1, (8, 16, 32, 64)),
        ((-5, -5, 30, 60), 0.1, (0, 0, 34, 66)),
        ((90, 70, 120, 90), 0, (90, 70, 100, 80)),
        ((110, 20, 130, 60), 0, (100, 20, 100, 60)),
    ],
)
def test_crop_window(box, padding, expected):
    assert crop_window(np.array(box), 100, 80, padding) == expected


def test_only_kept_crops_appear_and_only_at_the_end(tmp_path):
    crops = CropFolders(tmp_path, 'a', quality=95)
    red = np.full((20, 10, 3), (0, 0, 255), np.uint8)
    crops.add('1.jpg', red)
    crops.add('2.jpg', red)
    assert not (tmp_path / 'a').exists()

    with crops:
        crops.finish(['a/1.jpg'])

    assert [p.name for p in tmp_path.rglob('*.jpg')] == ['1.jpg']
    image = cv2.imread(str(tmp_path / 'a' / '1.jpg'))
    assert image.shape == (20, 10, 3)
    assert np.abs(image.astype(int) - red).max() < 6
    assert [p.name for p in tmp_path.iterdir()] == ['a']


def test_what_a_killed_run_left_is_thrown_away(tmp_path):
    image = np.zeros((20, 10, 3), np.uint8)
    killed = CropFolders(tmp_path, 'a', quality=95)
    killed.add('old.jpg', image)

    with CropFolders(tmp_path, 'a', quality=95) as crops:
        crops.add('new.jpg', image)
        crops.finish(['a/new.jpg'])

    assert [p.name for p in tmp_path.rglob('*.jpg')] == ['new.jpg']


@pytest.mark.parametrize(
    ('name', 'value'),
    [('stride', 0), ('clips', 0), ('padding', -1), ('quality', 101)],
)
def test_bad_settings(name, value):
    with pytest.raises(UserError, match=f'{name}.* {value}'):
        CropSettings(**{name: value})
