import pickle

import numpy as np

from mmcion.datasets.samplers import Draw


def test_draw_is_a_number_with_a_position():
    draw = Draw(3, 7)
    assert (draw, draw.position) == (3, 7)
    assert np.arange(10)[draw] == 3
    assert {3: 'found'}[draw] == 'found'


def test_draw_reaches_workers_whole():
    draw = pickle.loads(pickle.dumps(Draw(3, 7, epoch=2, seed=5)))
    assert type(draw) is Draw
    assert (draw, draw.position, draw.epoch, draw.seed) == (3, 7, 2, 5)
