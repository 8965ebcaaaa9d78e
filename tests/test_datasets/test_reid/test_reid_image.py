from mmcion.datasets.reid.reid_image import NO_CAMERA, ReIDImage, first_images


def test_image_without_camera():
    assert ReIDImage('a.jpg', 3).cam_id == NO_CAMERA == -1


def test_first_image_of_every_tracklet():
    images = [ReIDImage(str(n), 0, 0, n // 2) for n in range(4)]
    assert first_images(images) == [images[0], images[2]]


def test_images_without_tracklets_are_all_kept():
    images = [ReIDImage('a', 0), ReIDImage('a', 0)]
    assert first_images(images) == images
