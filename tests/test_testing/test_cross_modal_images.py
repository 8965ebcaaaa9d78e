import cv2
import numpy as np

from mmcion.datasets import SYSUMM01, RegDB
from mmcion.testing import draw_looks
from mmcion.testing.cross_modal_images import (
    draw_image,
    write_regdb,
    write_sysumm01,
)


def test_infrared_has_no_colour_but_the_same_clothes():
    look = draw_looks(1, np.random.default_rng(0))[0]
    images = [
        draw_image(look, camera, np.random.default_rng(1), (64, 32))
        for camera in (1, 3)
    ]
    visible, infrared = (image.astype(int) for image in images)
    assert np.ptp(visible, axis=2).mean() > 20
    assert not np.ptp(infrared, axis=2).any()
    # of one pose at one place
    grey = cv2.cvtColor(images[0], cv2.COLOR_BGR2GRAY)
    assert np.corrcoef(grey.ravel(), infrared[..., 0].ravel())[0, 1] > 0.5


def test_sysumm01_is_read(tmp_path):
    write_sysumm01(tmp_path, 3, 2)
    train, test = (SYSUMM01(tmp_path, split) for split in ('train', 'test'))
    assert len(train) == 3 * 4 * 2 and len(test) == 2 * 4 * 2
    assert sorted(set(train.cam_ids)) == [1, 3, 4, 6]
    assert (test.is_query == np.isin(test.cam_ids, (3, 6))).all()


def test_regdb_is_read(tmp_path):
    write_regdb(tmp_path, 3, 2, per_camera=3)
    for split, number in (('train', 3), ('test', 2)):
        dataset = RegDB(tmp_path, split)
        assert sorted(set(dataset.pids)) == list(range(number))
        assert np.bincount(dataset.cam_ids).tolist() == [number * 3] * 2


def test_seed_draws_the_same(tmp_path):
    roots = [
        write_regdb(tmp_path / str(n), 1, 1, seed=seed)
        for n, seed in enumerate((0, 0, 1))
    ]
    first, again, other = (
        (root / 'Visible/0/drawn_v_00000_0.bmp').read_bytes() for root in roots
    )
    assert first == again != other
