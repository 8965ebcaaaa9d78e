import numpy as np

from mmcion.testing.synthetic_figure import draw_figure, draw_looks


def test_looks_differ_but_some_share_a_top():
    looks = draw_looks(9, np.random.default_rng(0))
    outfits = {(look.top, look.bottom, look.bag, look.cut) for look in looks}
    assert len(outfits) == 9
    for i in (2, 5, 8):
        apart = np.abs(np.subtract(looks[i].top, looks[i - 1].top))
        assert apart.max() <= 20


def test_figure_fills_its_height_and_moves_its_legs():
    look = draw_looks(1, np.random.default_rng(0))[0]
    poses = [draw_figure(look, phase) for phase in (0, np.pi / 2)]
    for pose in poses:
        assert pose.dtype == np.uint8
        assert 1.5 < pose.shape[0] / pose.shape[1] < 5
        solid = pose[..., 3] > 127
        assert solid[3].any() and solid[-4].any()
        assert 0.2 < solid.mean() < 0.7
    assert poses[1].shape[1] > 1.2 * poses[0].shape[1]  # a wide step


def test_clothes_have_their_colours():
    look = draw_looks(1, np.random.default_rng(0))[0]
    figure = draw_figure(look, 0.5)
    rows = slice(int(0.28 * len(figure)), int(0.4 * len(figure)))
    chest = figure[rows]
    chest = chest[chest[..., 3] > 200][:, :3]
    assert np.abs(np.median(chest, axis=0) - look.top).max() < 50
