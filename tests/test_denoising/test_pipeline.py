import json
from copy import deepcopy

import numpy as np
import pytest

from mmcion.denoising import (
    BaseDenoiser,
    DenoisePipeline,
    SingleTrackletDenoiser,
    noise_rates,
)
from mmcion.denoising.stage_results import StageResults
from mmcion.registry import DENOISERS
from mmcion.structures import FeatureStore, IdentityLabels
from mmcion.utils.checks import UserError
from mmcion.version import __version__

from .planted import plant

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
        report = {'mine': True, 'seed': seed}
        return IdentityLabels(identity, report).contiguous()


@DENOISERS.register_module()
class BrokenDenoiser(BaseDenoiser):
    """A level that returns what no level may."""

    def __init__(self, how):
        self.how = how

    def __call__(self, table, features, labels, seed=0):
        identity = labels.identity
        return IdentityLabels(
            {
                'fewer rows': identity[1:],
                'one per image': identity[:, None],
                'no integers': identity.astype(float),
                'below -1': identity - 2,
                'unreadable rows': np.zeros_like(identity),
            }[self.how]
        )


@pytest.fixture(autouse=True)
def fresh_counter(monkeypatch):
    monkeypatch.setattr(CountingDenoiser, 'calls', 0)
    monkeypatch.setattr(CountingDenoiser, 'killed', False)


@pytest.fixture(scope='module')
def case():
    return plant(0, identities=5, pieces=2, length=8)


def without_times(report):
    report = deepcopy(report)
    for level in report['levels']:
        level.pop('seconds', None)
    return report


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
    labels = DenoisePipeline(STAGES, seed=3).run(case.table, case.features)

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
    assert own['seed'] == labels.report['seed'] == 3
    videos = [
        len(set(case.table.video_id[labels.identity == k].tolist()))
        for k in range(labels.num_identities)
    ]
    assert last['identities_in_several_videos'] == sum(
        count > 1 for count in videos
    )
    noise = last['noise']
    assert (noise['sigma'], noise['delta']) == (0.4, 0.3)
    assert noise['after'] == noise_rates(case.features, labels, 0.4, 0.3)
    # a level without thresholds is measured with those of the first
    assert (own['noise']['sigma'], own['noise']['delta']) == (0.3, 0.3)
    assert report['inputs']['unreadable_images'] == 0
    assert all(level['seconds'] >= 0 for level in report['levels'][1:])


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


def killed(*_, **__):
    raise KeyboardInterrupt


def changed(stage, **values):
    stages = deepcopy(STAGES)
    stages[stage].update(values)
    return stages


@pytest.mark.parametrize(
    ('options', 'difference'),
    [
        (
            {'stages': changed(0, sigma=0.29)},
            r'pipeline\.01_SingleTrackletDenoiser\.sigma was 0\.3, is 0\.29',
        ),
        (
            {'stages': changed(1, shift=2)},
            r'pipeline\.02_CountingDenoiser\.shift was 1, is 2',
        ),
        ({'stages': STAGES[1:]}, r'pipeline\.01_'),
        ({'calibration': {'min_pairs': 5}}, r'min_pairs was .*, is 5'),
        ({'seed': 1}, r'seed was 0, is 1'),
    ],
)
def test_other_settings_are_named_and_replaced_on_request(
    case, tmp_path, options, difference
):
    options = {'stages': STAGES, **options}
    DenoisePipeline(STAGES, work_dir=tmp_path).run(case.table, case.features)
    before = state(tmp_path)
    other = DenoisePipeline(**options, work_dir=tmp_path)

    with pytest.raises(UserError, match=difference):
        other.run(case.table, case.features)
    assert state(tmp_path) == before
    other.overwrite = True
    replaced = other.run(case.table, case.features)

    fresh = DenoisePipeline(**options).run(case.table, case.features)
    assert np.array_equal(replaced.identity, fresh.identity)
    assert without_times(replaced.report) == without_times(fresh.report)


def state(folder):
    """Return name and time of change of every file."""
    return {
        path.relative_to(folder): path.stat().st_mtime_ns
        for path in folder.rglob('*')
    }


def test_killed_replacement_keeps_the_old_results(case, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    DenoisePipeline(STAGES, work_dir=out).run(case.table, case.features)
    before = state(out)
    monkeypatch.setattr(CountingDenoiser, 'killed', True)
    with pytest.raises(KeyboardInterrupt):
        DenoisePipeline(
            changed(0, sigma=0.29), work_dir=out, overwrite=True
        ).run(case.table, case.features)
    assert state(out) == before


def test_noise_is_measured_once_where_thresholds_stay(case, monkeypatch):
    measured = []

    def counting(features, labels, sigma, delta):
        measured.append((sigma, delta))
        return noise_rates(features, labels, sigma, delta)

    monkeypatch.setattr('mmcion.denoising.pipeline.noise_rates', counting)
    last = {**STAGES[2], 'sigma': 0.3}
    first = {**STAGES[0], 'min_images': 2}
    two = {'type': 'SingleVideoDenoiser', 'sigma': 0.3, 'delta': 0.3}
    report = (
        DenoisePipeline([two, last, {**last, 'sigma': 0.2}])
        .run(case.table, case.features)
        .report
    )
    assert measured == [(0.3, 0.3)] * 3 + [(0.2, 0.3)] * 2
    noise = [level['noise'] for level in report['levels'][1:]]
    assert noise[1]['before'] == noise[0]['after']
    measured.clear()
    DenoisePipeline([first]).run(case.table, case.features)
    assert not measured  # no delta to measure with


def test_rows_without_a_feature_stay_unassigned(case):
    unreadable = [0, 1, 9, *range(20, 28), len(case.table) - 1]
    feats = case.features[:]
    feats[unreadable] = 0
    stages = [
        {'type': 'SingleTrackletDenoiser', 'sigma': 0.3},
        {'type': 'SingleVideoDenoiser', 'sigma': 0.5, 'delta': 0.5},
        {**STAGES[2], 'sigma': 2, 'max_spread': 2, 'delta': 0.5},
    ]
    features = FeatureStore(feats, {'unreadable': unreadable})
    for last in (1, 2, 3):
        labels = DenoisePipeline(stages[:last]).run(case.table, features)
        assert (labels.identity[unreadable] == -1).all()
        assert labels.keep.sum() > 100
    levels = labels.report['levels']
    assert levels[0]['images'] == len(case.table) - len(unreadable)
    assert labels.report['inputs']['unreadable_images'] == len(unreadable)
    assert levels[3]['images'] > levels[1]['images']


@pytest.mark.parametrize(
    ('how', 'message'),
    [
        ('fewer rows', r'shape \(240,\).* shape \(239,\)'),
        ('one per image', r'shape \(240,\).* shape \(240, 1\)'),
        ('no integers', 'float64'),
        ('below -1', 'row 0 has -2'),
        ('unreadable rows', 'row 3 has 0'),
    ],
)
def test_wrong_results_are_refused_with_the_level(case, how, message):
    feats = case.features[:]
    feats[[3, 4]] = 0
    features = FeatureStore(feats, {'unreadable': [3, 4]})
    pipeline = DenoisePipeline([{'type': 'BrokenDenoiser', 'how': how}])
    with pytest.raises(UserError, match=f'01_BrokenDenoiser.*{message}'):
        pipeline.run(case.table, features)


def test_other_features_are_named(case, tmp_path):
    DenoisePipeline(STAGES, work_dir=tmp_path).run(case.table, case.features)
    centred = FeatureStore(case.features[:], center=True)
    with pytest.raises(UserError, match=r'inputs\.features was '):
        DenoisePipeline(STAGES, work_dir=tmp_path).run(case.table, centred)


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


def test_chunks_of_a_finished_level_are_removed(case, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(StageResults, '_remove_chunks', killed)
        with pytest.raises(KeyboardInterrupt):
            DenoisePipeline(STAGES[:1], work_dir=tmp_path).run(
                case.table, case.features
            )
    stages = tmp_path / 'stages'
    assert [path for path in stages.iterdir() if path.is_dir()]

    DenoisePipeline(STAGES[:1], work_dir=tmp_path).run(
        case.table, case.features
    )

    assert not [path for path in stages.iterdir() if path.is_dir()]


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
    with pytest.raises(UserError, match=r'stage 1 .*SingleTrackletDenoiser'):
        DenoisePipeline([stage]).run(case.table, case.features)


def test_kill_between_the_two_files_of_a_level(case, tmp_path, monkeypatch):
    pipeline = DenoisePipeline(STAGES, work_dir=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr('mmcion.denoising.stage_results.save_npz', killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(case.table, case.features)

    again = pipeline.run(case.table, case.features)

    fresh = DenoisePipeline(STAGES).run(case.table, case.features)
    assert np.array_equal(fresh.identity, again.identity)
    assert without_times(fresh.report) == without_times(again.report)


@pytest.mark.parametrize('stage', [{'sigma': 0.3}, {'type': None}])
def test_stage_without_a_type_is_named(stage):
    with pytest.raises(UserError, match=r'stage 2 .* "type"'):
        DenoisePipeline([STAGES[0], stage])


def test_misspelt_calibration_is_refused():
    with pytest.raises(UserError, match=r"'min_pairs'.* got 'min_pair'"):
        DenoisePipeline(STAGES, {'min_pair': 2})
    with pytest.raises(UserError, match=r"'folds', .* got 'fold'"):
        DenoisePipeline(STAGES, check={'fold': 2})


def test_rows_of_features_and_table_must_match(case):
    features = FeatureStore(case.features[:10])
    with pytest.raises(ValueError, match='10 rows, the table has 240'):
        DenoisePipeline(STAGES).run(case.table, features)


def test_no_levels():
    with pytest.raises(UserError, match='at least one stage'):
        DenoisePipeline([])
