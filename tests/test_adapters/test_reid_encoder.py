import numpy as np

from mmcion.adapters import ReIDEncoder

from .extractor import boxes, draw_frame, tiny_extractor


def test_features_are_those_of_the_extractor():
    extractor, frame = tiny_extractor(), draw_frame()
    found = ReIDEncoder(extractor).extract_features(
        boxes((3, 6, 20, 50), (60, 0, 80, 31)), frame
    )
    crops = [frame[6:50, 3:20], frame[0:31, 60:80]]
    expected = extractor(crops, channel_order='bgr')
    np.testing.assert_allclose(found, expected, atol=1e-5)
