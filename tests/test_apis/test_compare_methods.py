import numpy as np
import pytest
from mmengine.config import Config
from scipy.stats import ttest_1samp

from mmcion.apis import compare_methods as module
from mmcion.apis.compare_methods import (
    Method,
    MethodCurve,
    compare_methods,
    comparison_table,
)
from mmcion.utils.checks import UserError
from tests.golden import DATA


def test_interval_is_that_of_students_t():
    scores = [[0.1, 0.40], [0.1, 0.50], [0.1, 0.55]]
    mean, half = MethodCurve('a', [0, 64], scores).interval()
    test = ttest_1samp([run[1] for run in scores], 0)
    low, high = test.confidence_interval(0.95)
    assert mean == pytest.approx([0.1, (low + high) / 2])
    assert half == pytest.approx([0, (high - low) / 2])
    assert not MethodCurve('a', [0], [[0.3]]).interval()[1].any()


def test_table_shows_every_seed():
    curves = [
        MethodCurve('cion', [0, 1280], [[0.2, 0.5], [0.2, 0.6]]),
        MethodCurve('lup', [0, 1280], [[0.2, 0.4], [0.2, 0.4]]),
    ]
    first, second = comparison_table(curves).splitlines()[2:]
    assert first.startswith('| cion | 1,280 | 20.0 | 55.0 ± 63.5 |')
    assert first.endswith('| 50.0, 60.0 |')
    assert '40.0 ± 0.0' in second


def test_backbones_must_be_equal(tmp_path):
    cfgs = [Config.fromfile(DATA / 'tiny_train.py') for _ in range(2)]
    cfgs[1].model.backbone.use_bn = True
    methods = [Method(n, c, 'data') for n, c in zip('ab', cfgs, strict=True)]
    with pytest.raises(UserError, match='use_bn'):
        compare_methods(methods, 'test.csv', tmp_path, images=8)


def test_finished_run_is_not_done_again(tmp_path, monkeypatch):
    cfg = Config({'model': {}})
    runs = []

    class Runner:
        iter = 4
        val_loop = None

        @classmethod
        def from_cfg(cls, cfg):
            runs.append(cfg.randomness.seed)
            return cls()

        def register_hook(self, hook, priority):
            self.hook = hook

        def train(self):
            self.hook.after_val_epoch(self, {'reid/mAP': np.float32(0.5)})

    monkeypatch.setattr(module, 'Runner', Runner)
    for seed in (0, 1, 0):
        scores = module._scores(cfg, seed, tmp_path / str(seed), 8)
        assert scores == [[32, 0.5]]
    assert runs == [0, 1]
    # another recipe is
    cfg.model.depth = 18
    module._scores(cfg, 0, tmp_path / '0', 8)
    assert runs == [0, 1, 0]
