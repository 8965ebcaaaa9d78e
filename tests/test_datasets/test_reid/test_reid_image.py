from mmcion.datasets.reid.reid_image import NO_CAMERA, ReIDImage


def test_image_without_camera():
    assert ReIDImage('a.jpg', 3).cam_id == NO_CAMERA == -1
