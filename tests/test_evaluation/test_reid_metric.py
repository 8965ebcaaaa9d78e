import numpy as np
import pytest
import torch
from mmengine.dist import get_dist_info
from mmengine.evaluator import Evaluator
from mmengine.logging import MessageHub

from mmcion.evaluation import evaluate
from mmcion.registry import METRICS
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError

from ..dist_utils import run_on_ranks


def make_samples(rows=21):
    rng = torch.Generator().manual_seed(0)
    samples = []
    for i in range(rows):
        meta = {'pid': i % 4 - 1, 'cam_id': i % 3, 'is_query': i < 7}
        sample = ReIDDataSample(metainfo={**meta, 'img_path': f'{i}.jpg'})
        sample.feature = torch.randn(8, generator=rng)
        samples.append(sample)
    return samples


def columns(samples):
    names = ('pid', 'cam_id', 'is_query')
    meta = {n: np.array([getattr(s, n) for s in samples]) for n in names}
    return torch.stack([s.feature for s in samples]), meta


def expected_scores(samples, camera_aware=True):
    feature, meta = columns(samples)
    query = meta['is_query']
    cams = [meta['cam_id'][query], meta['cam_id'][~query]]
    return evaluate(
        feature[query],
        feature[~query],
        meta['pid'][query],
        meta['pid'][~query],
        *(cams if camera_aware else [None, None]),
    )


def run_evaluator(samples, **options):
    evaluator = Evaluator(METRICS.build({'type': 'ReIDMetric', **options}))
    for start in range(0, len(samples), 4):
        evaluator.process(samples[start : start + 4])
    return evaluator.evaluate(len(samples))


@pytest.mark.parametrize('camera_aware', [True, False])
def test_evaluator_gives_the_numbers_of_the_function(camera_aware):
    samples = make_samples()
    result = run_evaluator(samples, camera_aware=camera_aware)
    expected = expected_scores(samples, camera_aware)
    assert result == pytest.approx(
        {f'reid/{k}': v for k, v in expected.items()}
    )
    assert 0 < result['reid/mAP'] < 1


def test_dumped_features_score_the_same(tmp_path):
    path = tmp_path / 'new' / 'features.npz'
    samples = make_samples()
    run_evaluator(samples, dump_features=path)
    with np.load(path) as dumped:
        assert dumped['feature'].dtype == np.float32
        np.testing.assert_array_equal(dumped['feature'], columns(samples)[0])
        assert dumped['img_path'][20] == '20.jpg'
        assert dumped['is_query'].sum() == 7
    assert [p.name for p in path.parent.iterdir()] == ['features.npz']


def test_image_of_a_bad_feature_is_named():
    samples = make_samples()
    samples[5].feature[2] = float('nan')
    with pytest.raises(UserError, match=r'5\.jpg'):
        run_evaluator(samples)


def test_zero_feature_is_named():
    samples = make_samples()
    samples[5].feature[:] = 0
    with pytest.raises(UserError, match=r'5\.jpg is zero'):
        run_evaluator(samples)


def test_fewer_images_than_the_data_set_has_are_refused():
    metric = METRICS.build({'type': 'ReIDMetric'})
    samples = make_samples()
    metric.process(None, [sample.to_dict() for sample in samples[:-1]])
    with pytest.raises(
        UserError, match=r'21 images.* \[20\] by rank.*drop_last'
    ):
        metric.evaluate(len(samples))


def test_missing_field_is_named():
    sample = ReIDDataSample(metainfo={'pid': 1, 'cam_id': 0})
    with pytest.raises(UserError, match="'feature', 'img_path', 'is_query'"):
        run_evaluator([sample])


def evaluate_part():
    samples = make_samples()
    padded = [*samples, samples[0]]  # as a distributed sampler pads
    rank, world_size = get_dist_info()
    evaluator = Evaluator(METRICS.build({'type': 'ReIDMetric'}))
    evaluator.process(padded[rank::world_size])
    return evaluator.evaluate(len(samples))


def test_two_ranks_give_the_numbers_of_one():
    expected = pytest.approx(run_evaluator(make_samples()), abs=1e-12)
    assert run_on_ranks(evaluate_part) == [expected, expected]


def test_one_identity_to_ignore_may_be_a_number():
    samples = make_samples()
    expected = run_evaluator(samples, ignore_pids=(1,))
    assert run_evaluator(samples, ignore_pids=1) == expected


def test_options_reach_the_evaluation():
    samples = make_samples()
    for number, sample in enumerate(samples):
        sample.set_metainfo({'tracklet_id': number // 2})
    metric = METRICS.build(
        {
            'type': 'ReIDMetric',
            'average_tracklets': True,
            'ranks': (2,),
            'keep_nearest': 3,
            'prefix': 'mars',
        }
    )
    metric.process(None, [sample.to_dict() for sample in samples])
    scores = metric.evaluate(len(samples))
    assert {'mars/mAP', 'mars/Rank-2'} < set(scores)
    result = MessageHub.get_current_instance().get_info('retrieval_result')
    assert result.unit == 'tracklet'
    assert len(result.features) == 11
    assert result.nearest.shape[1] == 3
    assert metric.results == []
    assert metric.scored_with['average_tracklets']
    assert metric.scored_with['ranks'] == (2,)


def test_scores_of_one_process_alone():
    samples = make_samples()
    metric = METRICS.build({'type': 'ReIDMetric'})
    metric.process(None, [sample.to_dict() for sample in samples])
    scores = metric.compute_metrics(metric.results)
    assert scores == pytest.approx(expected_scores(samples))


def test_no_images_and_unknown_options_are_refused():
    with pytest.raises(UserError, match='drop_last'):
        METRICS.build({'type': 'ReIDMetric'}).evaluate(0)
    with pytest.raises(UserError, match="'protocol'.*'max_rank'"):
        METRICS.build({'type': 'ReIDMetric', 'max_rank': 50})
