from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from torch import nn

from mmcion.registry import HOOKS, METRICS
from mmcion.structures import ReIDDataSample

CONFIG = """
pipeline = [dict(type='LoadImage')]
test_dataloader = dict(
    dataset=dict(type='Drawn', data_root='here', pipeline=pipeline)
)
model = dict(type='ReIDModel', flip_test=True)
load_from = 'model.pth'
"""


def make_samples(rows=24):
    rng = torch.Generator().manual_seed(0)
    for row in range(rows):
        meta = {'pid': row % 4, 'cam_id': row % 3, 'is_query': row < 8}
        sample = ReIDDataSample(metainfo={**meta, 'img_path': f'{row}.jpg'})
        sample.feature = torch.randn(8, generator=rng)
        yield sample


@pytest.fixture
def runner():
    metric = METRICS.build({'type': 'ReIDMetric'})
    return SimpleNamespace(
        cfg=Config.fromstring(CONFIG, '.py'),
        model=nn.Identity(),
        test_evaluator=Evaluator(metric),
    )


def test_report_of_a_test(runner, tmp_path):
    hook = HOOKS.build({'type': 'RetrievalReportHook', 'out_dir': tmp_path})
    hook.before_test(runner)
    samples = list(make_samples())
    runner.test_evaluator.process(samples)
    scores = runner.test_evaluator.evaluate(len(samples))
    hook.after_test_epoch(runner, scores)
    page = (tmp_path / 'report.html').read_text()
    for text in ('Drawn', 'model.pth', f'{100 * scores["reid/mAP"]:.1f}'):
        assert text in page
    assert (tmp_path / 'cmc.png').is_file()


def test_other_ranks_write_nothing(runner, tmp_path, monkeypatch):
    monkeypatch.setattr(
        'mmcion.apis.retrieval_report_hook.is_main_process', lambda: False
    )
    hook = HOOKS.build({'type': 'RetrievalReportHook', 'out_dir': tmp_path})
    hook.after_test_epoch(runner)
    assert list(tmp_path.iterdir()) == []
