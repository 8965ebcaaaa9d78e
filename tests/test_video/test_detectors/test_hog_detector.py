import cv2
import numpy as np
import pytest

from mmcion.registry import DETECTORS
from mmcion.utils.checks import UserError


def build(**kwargs):
    return DETECTORS.build({'type': 'HOGDetector', **kwargs})


def test_finds_nobody_in_an_empty_frame():
    found = build().detect(np.full((240, 320, 3), 90, np.uint8), 0)

    assert found.boxes.shape == (0, 4)


def draw_people(*columns):
    image = np.full((200, 300, 3), 200, np.uint8)
    dark = (60, 60, 60)
    for x in columns:
        cv2.circle(image, (x, 60), 9, dark, -1)
        cv2.ellipse(image, (x, 95), (15, 28), 0, 0, 360, dark, -1)
        cv2.line(image, (x - 6, 115), (x - 9, 158), dark, 11)
        cv2.line(image, (x + 6, 115), (x + 9, 158), dark, 11)
    return image


def test_boxes_are_in_pixels_of_the_frame():
    found = build().detect(draw_people(80, 200), 0)

    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    assert centres[:, 0] == pytest.approx([80, 200], abs=8)
    assert centres[:, 1] == pytest.approx([105, 105], abs=8)
    assert found.boxes[:, 3] == pytest.approx([160, 160], abs=8)


def test_threshold_is_a_score():
    image = draw_people(80, 200)
    (high, low) = np.sort(build().detect(image, 0).scores)[::-1]

    kept = build(score_thr=float(high + low) / 2).detect(image, 0)

    assert kept.scores == pytest.approx([high])


def test_bad_settings():
    with pytest.raises(UserError, match=r'upsample.* 0'):
        build(upsample=0)
    with pytest.raises(UserError, match=r'score_thr.* 3'):
        build(score_thr=3)


@pytest.mark.parametrize('size', [(8, 8), (32, 32), (200, 16), (16, 200)])
def test_frames_smaller_than_the_window(size):
    image = np.zeros((*size, 3), np.uint8)
    assert len(build().detect(image, 0)) == 0
