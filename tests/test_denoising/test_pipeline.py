import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmcion.denoising import (
    BaseDenoiser,
    DenoisePipeline,
    SingleTrackletDenoiser,
    calibrate,
)
from mmcion.evaluation import identity_metrics
from mmcion.registry import DENOISERS
from mmcion.structures import FeatureStore, IdentityLabels
from mmcion.version import __version__

from .planted import assert_valid, people_in_two_places, plant

ROOT = Path(__file__).parents[2]
STAGES = [
    {'type': 'SingleTrackletDenoiser', 'sigma': 0.3},
    {'type': 'CountingDenoiser', 'shift': 1},
    {
        'type': 'CrossVideoDenoiser',
        'delta': 0.3,
        'max_spread': 0.3,
        'sigma': 0.4,
    },
]


@DENOISERS.register_module()
class CountingDenoiser(BaseDenoiser):
    """A user's own level: it pools one image in ten, and counts its calls."""

    calls = 0
    killed = False

    def __init__(self, shift=0, sigma=None):
        self.shift = shift

    def __call__(self, table, features, labels, seed=0):
        CountingDenoiser.calls += 1
        if CountingDenoiser.killed:
            raise KeyboardInterrupt
        identity = labels.identity.copy()
        identity[self.shift :: 10] = -1
        return IdentityLabels(identity, {'mine': True}).contiguous()


@pytest.fixture(autouse=True)
def fresh_counter(monkeypatch):
    monkeypatch.setattr(CountingDenoiser, 'calls', 0)
    monkeypatch.setattr(CountingDenoiser, 'killed', False)


@pytest.fixture(scope='module')
def case():
    return plant(0, people=5, pieces=2, length=8)


def without_times(report):
    report = deepcopy(report)
    for level in report['levels']:
        level.pop('seconds', None)
    return report


def test_auto_becomes_the_calibrated_value_or_a_multiple(case):
    found = calibrate(case.table, case.features, tracklet_noise=0.2)
    pipeline = DenoisePipeline(
        [
            {'type': 'SingleTrackletDenoiser', 'sigma': 'auto'},
            {
                'type': 'CrossVideoDenoiser',
                'delta': 'auto',
                'max_spread': {'auto': 1.2},
                'sigma': {'auto': 1e9},
            },
        ],
        {'tracklet_noise': 0.2},
    )

    report = pipeline.run(case.table, case.features).report

    first, second = report['stages']
    assert first['sigma'] == found.sigma
    assert second['delta'] == found.delta
    assert second['max_spread'] == pytest.approx(1.2 * found.sigma)
    assert second['sigma'] == 2
    assert report['calibration']['tracklet_noise'] == 0.2
    assert report['calibration']['num_pairs'] == found.num_pairs
    assert pipeline.stages[0]['sigma'] == 'auto'


def test_numbers_need_no_calibration(case):
    labels = DenoisePipeline(STAGES, {'min_pairs': 10**9}).run(
        case.table, case.features
    )
    assert labels.report['calibration'] == {}
    assert labels.report['stages'] == STAGES


def test_first_level_is_the_level_itself(case):
    labels = DenoisePipeline(STAGES[:1]).run(case.table, case.features)
    expected = SingleTrackletDenoiser(0.3)(
        case.table, case.features, IdentityLabels.from_tracklets(case.table)
    )
    assert np.array_equal(labels.identity, expected.identity)


def test_report_says_what_was_done(case):
    labels = DenoisePipeline(STAGES).run(case.table, case.features)

    report = json.loads(json.dumps(labels.report))
    assert report == labels.report
    assert report['version'] == __version__
    assert report['inputs']['table'] == case.table.fingerprint()
    assert report['inputs']['features'] == case.features.fingerprint()
    names = [level['name'] for level in report['levels']]
    assert names == ['tracklets', *(stage['type'] for stage in STAGES)]
    raw, first, own, last = report['levels']
    assert raw['images'] == len(case.table)
    assert raw['identities'] == case.table.num_tracklets
    assert raw['identities_in_several_videos'] == 0
    assert first['removed_images'] == raw['images'] - first['images'] > 0
    assert own['mine']
    assert last['images'] == labels.keep.sum()
    assert last['identities'] == labels.num_identities
    videos = [
        len(set(case.table.video_id[labels.identity == k].tolist()))
        for k in range(labels.num_identities)
    ]
    assert last['identities_in_several_videos'] == sum(
        count > 1 for count in videos
    )
    assert last['noise']['sigma'] == 0.4
    assert 'noise' not in own


def test_finished_levels_are_not_run_again(case, tmp_path):
    first = DenoisePipeline(STAGES, work_dir=tmp_path).run(
        case.table, case.features
    )
    second = DenoisePipeline(STAGES, work_dir=tmp_path).run(
        case.table, case.features
    )
    assert CountingDenoiser.calls == 1
    assert np.array_equal(first.identity, second.identity)
    assert first.report == second.report


def killed(*_):
    raise KeyboardInterrupt


def changed(stage, **values):
    stages = deepcopy(STAGES)
    stages[stage].update(values)
    return stages


@pytest.mark.parametrize(
    ('stages', 'calls'),
    [
        (changed(0, sigma=0.29), 2),
        (changed(1, shift=2), 2),
        (changed(2, sigma=0.39), 1),
        (STAGES[1:], 2),
    ],
)
def test_a_changed_level_and_all_after_it_run_again(
    case, tmp_path, stages, calls
):
    DenoisePipeline(STAGES, work_dir=tmp_path).run(case.table, case.features)

    reused = DenoisePipeline(stages, work_dir=tmp_path).run(
        case.table, case.features
    )

    assert CountingDenoiser.calls == calls
    fresh = DenoisePipeline(stages).run(case.table, case.features)
    assert np.array_equal(reused.identity, fresh.identity)
    assert without_times(reused.report) == without_times(fresh.report)


def test_changed_features_run_again(case, tmp_path):
    DenoisePipeline(STAGES, work_dir=tmp_path).run(case.table, case.features)
    centred = FeatureStore(case.features[:], center=True)
    DenoisePipeline(STAGES, work_dir=tmp_path).run(case.table, centred)
    assert CountingDenoiser.calls == 2


def test_kill_in_the_middle_then_the_same_bytes(case, tmp_path, monkeypatch):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    expected = DenoisePipeline(STAGES, work_dir=whole).run(
        case.table, case.features
    )
    monkeypatch.setattr(CountingDenoiser, 'killed', True)
    with pytest.raises(KeyboardInterrupt):
        DenoisePipeline(STAGES, work_dir=broken).run(case.table, case.features)
    monkeypatch.setattr(CountingDenoiser, 'killed', False)
    first_level = broken / 'stages' / '01_SingleTrackletDenoiser.npz'
    written = first_level.stat().st_mtime_ns

    resumed = DenoisePipeline(STAGES, work_dir=broken).run(
        case.table, case.features
    )

    assert first_level.stat().st_mtime_ns == written
    names = [p.name for p in (whole / 'stages').glob('*.npz')]
    assert len(names) == 3
    for name in names:
        first, second = (d / 'stages' / name for d in (whole, broken))
        assert first.read_bytes() == second.read_bytes()
    assert np.array_equal(resumed.identity, expected.identity)
    reports = [without_times(labels.report) for labels in (expected, resumed)]
    assert reports[0] == reports[1]


def test_damaged_stage_is_done_again(case, tmp_path):
    first = DenoisePipeline(STAGES, work_dir=tmp_path).run(
        case.table, case.features
    )
    for file in (tmp_path / 'stages').glob('*.npz'):
        file.write_bytes(file.read_bytes()[:100])
    again = DenoisePipeline(STAGES, work_dir=tmp_path).run(
        case.table, case.features
    )
    assert np.array_equal(again.identity, first.identity)


@pytest.mark.parametrize(
    'stage',
    [{'type': 'NoSuchDenoiser'}, {**STAGES[0], 'sgima': 0.3}],
)
def test_stage_that_cannot_be_built_is_named(case, stage):
    with pytest.raises(ValueError, match=r'stage 1 .*Registered are'):
        DenoisePipeline([stage]).run(case.table, case.features)


@pytest.mark.parametrize('stages', [STAGES, changed(0, sigma=0.05)])
def test_kill_between_the_two_files_of_a_level(
    case, tmp_path, monkeypatch, stages
):
    DenoisePipeline(STAGES, work_dir=tmp_path).run(case.table, case.features)
    with monkeypatch.context() as patch:
        patch.setattr('mmcion.denoising.pipeline.atomic_file', killed)
        with pytest.raises(KeyboardInterrupt):
            DenoisePipeline(changed(0, sigma=0.05), work_dir=tmp_path).run(
                case.table, case.features
            )

    again = DenoisePipeline(stages, work_dir=tmp_path).run(
        case.table, case.features
    )

    fresh = DenoisePipeline(stages).run(case.table, case.features)
    assert np.array_equal(fresh.identity, again.identity)
    assert without_times(fresh.report) == without_times(again.report)


def test_rows_of_features_and_table_must_match(case):
    features = FeatureStore(case.features[:10])
    with pytest.raises(ValueError, match='has 10 rows, the table has 240'):
        DenoisePipeline(STAGES).run(case.table, features)


def test_no_levels():
    with pytest.raises(ValueError, match='at least one stage'):
        DenoisePipeline([])


@pytest.mark.parametrize('seed', range(3))
def test_shipped_config_finds_planted_people(seed):
    case = plant(seed)
    cfg = Config.fromfile(
        ROOT / 'configs' / 'denoise' / 'three-levels_auto.py'
    )
    features = FeatureStore(case.features[:], center=cfg.center)

    labels = DenoisePipeline(cfg.pipeline, cfg.calibration).run(
        case.table, features
    )

    raw = IdentityLabels.from_tracklets(case.table)
    before = identity_metrics(case.pid, raw.identity)
    after = identity_metrics(case.pid, labels.identity)
    assert before['pairwise_recall'] < 0.2
    assert after['pairwise_precision'] > 0.98
    assert after['pairwise_recall'] > 0.95
    assert labels.keep.mean() > 0.8
    rates = [level['noise'] for level in labels.report['levels'][1:]]
    for rate in rates:
        assert rate['after']['intra'] <= rate['before']['intra']
        assert rate['after']['inter'] <= rate['before']['inter']
    assert rates[0]['before']['intra'] > 0 == rates[-1]['after']['intra']
    assert rates[-1]['after']['inter'] < rates[0]['before']['inter'] / 1.5
    assert_valid(case.table, raw, labels)
    assert not people_in_two_places(case.table, labels.identity)
