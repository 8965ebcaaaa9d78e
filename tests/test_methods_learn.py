"""Methods of pre-training learn from scratch, in minutes on a CPU."""

import json

import numpy as np
import pytest
from mmengine.config import Config

from mmcion.apis.compare_methods import Method, compare_methods
from tests.drawn_identities import write_drawn
from tests.tool_utils import ROOT

# 200 steps from scratch are too few for the others, see docs/benchmarks.md;
# for CION from ImageNet weights see test_pretraining_learns.py
METHODS = ['pnl']
SEEDS = (0, 1, 2)
EPOCHS = 10


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Folders ``train``, of 40 identities, and ``test``, of 20 others."""
    return write_drawn(tmp_path_factory.mktemp('images'), static=True)


def losses(work_dir):
    """Return the loss after every five iterations, from epoch 2 on.

    By then a queue is full. Of several losses the one of classes, since
    others begin later.
    """
    (path,) = work_dir.rglob('scalars.json')
    lines = map(json.loads, path.read_text().splitlines())
    lines = [line for line in lines if line.get('epoch', 0) > 1]
    names = ('loss_class', 'loss')
    return [
        next(line[name] for name in names if name in line)
        for line in lines
        if 'loss' in line
    ]


@pytest.mark.slow
@pytest.mark.parametrize('name', METHODS)
def test_method_beats_the_untrained_network(name, images, tmp_path):
    config = f'{name}/{name}_resnet18-narrow_1xb64-30e_small-64x32.py'
    cfg = Config.fromfile(ROOT / 'configs' / config)
    cfg.visualizer.vis_backends = [{'type': 'LocalVisBackend'}]
    cfg.train_dataloader.batch_size = 32  # twice the steps
    method = Method(name, cfg, str(images / 'train'))
    (curve,) = compare_methods(
        *([method], images / 'test' / 'test.csv', tmp_path),
        images=EPOCHS * 640,
        seeds=SEEDS,
        num_scores=1,
    )
    scores = np.array(curve.mean_ap)
    print(name, scores[:, [0, -1]].round(3).tolist())
    assert (scores[:, -1] > scores[:, 0]).all()
    for seed in SEEDS:
        found = losses(tmp_path / name / f'seed_{seed}')
        assert np.mean(found[-4:]) < np.mean(found[:4])
