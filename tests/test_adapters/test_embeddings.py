import cv2
import numpy as np
import pytest

from mmcion.adapters import extract_embeddings
from mmcion.utils.checks import UserError

from ..tiny import DIM
from .extractor import boxes, draw_frame, tiny_extractor


@pytest.fixture(scope='module')
def extractor():
    return tiny_extractor()


def test_features_are_those_of_the_crops_in_files(extractor, tmp_path):
    frame = draw_frame()
    # corners are rounded, and clipped to a frame of 80 x 60
    found = extract_embeddings(
        frame, boxes((3.4, 5.6, 20.2, 50), (60, -9, 200, 31)), extractor
    )
    cv2.imwrite(str(tmp_path / 'a.png'), frame[6:50, 3:20])
    cv2.imwrite(str(tmp_path / 'b.png'), frame[0:31, 60:80])
    expected = extractor(tmp_path)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_boxes_without_a_pixel_have_features_of_zeros(extractor):
    found = extract_embeddings(
        draw_frame(),
        boxes(
            (100, 0, 120, 30),  # right of the frame
            (-20, 0, -5, 30),
            (0, 0, 10, 30),
            (10, 10, 10.2, 30),  # no width
            (30, 30, 20, 20),  # upside down
        ),
        extractor,
    )
    norm = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(norm, [0, 0, 1, 0, 0], atol=1e-6)


@pytest.mark.parametrize('corners', [[], [(90, 0, 99, 9)]])
def test_no_crop_at_all(corners, extractor):
    found = extract_embeddings(draw_frame(), boxes(*corners), extractor)
    assert found.shape == (len(corners), DIM)
    assert not found.any()


@pytest.mark.parametrize(
    ('frame', 'message'),
    [
        (np.zeros((60, 80), np.uint8), r'\(60, 80\)'),
        (np.zeros((60, 80, 3)), 'float64'),
        (None, 'got None'),  # OpenCV's frame after the last
    ],
)
def test_wrong_frame(frame, message, extractor):
    with pytest.raises(UserError, match=message):
        extract_embeddings(frame, boxes((0, 0, 9, 9)), extractor)


def test_boxes_must_be_finite(extractor):
    found = boxes((0, 0, 9, 9), (0, 0, 9, 9))
    found.xyxy[1, 0] = np.nan
    frame = np.zeros((60, 80, 3), np.uint8)
    with pytest.raises(UserError, match='boxes must be finite'):
        extract_embeddings(frame, found, extractor)
