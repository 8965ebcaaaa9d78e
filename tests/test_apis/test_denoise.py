from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

import mmcion
from mmcion.denoising.grouped_rows import cut
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.testing import NoiseModel
from mmcion.utils.checks import UserError

from ..dist_utils import run_on_ranks
from ..tool_utils import run_tool

CONFIG = {
    'pipeline': [{'type': 'SingleTrackletDenoiser', 'sigma': 0.5}],
    'center': False,
}
AUTO = Path(__file__).parents[2] / 'configs/denoise/three-levels_auto.py'
LEVELS = [
    {'type': 'SingleTrackletDenoiser', 'sigma': 0.3},
    {'type': 'SingleVideoDenoiser', 'sigma': 0.3, 'delta': 0.3},
    {
        'type': 'CrossVideoDenoiser',
        'delta': 0.3,
        'max_spread': 0.3,
        'sigma': 0.3,
    },
]
NUMBERS = {'pipeline': LEVELS}


@pytest.fixture
def table():
    return TrackletTable.from_columns(
        video_id=[0] * 5, tracklet_id=[0] * 5, frame=range(5)
    )


def test_array_and_store_give_the_same(table):
    feats = np.eye(2, dtype=np.float32)[[0, 0, 1, 0, 0]]
    labels = mmcion.denoise(table, feats, CONFIG)
    assert labels.identity.tolist() == [0, 0, -1, 0, 0]
    assert labels.keep.tolist() == [True, True, False, True, True]
    assert labels.report['levels'][1]['removed_images'] == 1
    store = FeatureStore(feats)
    again = mmcion.denoise(table, store, CONFIG)
    assert (again.identity == labels.identity).all()


def test_config_may_be_a_file(table, tmp_path):
    file = tmp_path / 'config.py'
    file.write_text(f'pipeline = {CONFIG["pipeline"]}\n')
    feats = np.eye(2, dtype=np.float32)[[0, 0, 1, 0, 0]]
    labels = mmcion.denoise(table, feats, file)
    assert labels.num_identities == 1


def test_centre_is_taken_from_the_config(table):
    # all alike but for what they share: centred, the last is on its own
    feats = np.array([[9, 1], [9, 1], [9, 1], [9, 1], [9, -1]], float)
    plain = mmcion.denoise(table, feats, CONFIG)
    assert plain.keep.all()
    centred = mmcion.denoise(table, feats, {**CONFIG, 'center': True})
    assert centred.keep.tolist() == [True, True, True, True, False]


def test_rows_must_agree(table):
    with pytest.raises(ValueError, match='4 rows, the table has 5'):
        mmcion.denoise(table, np.eye(4), CONFIG)


def test_misspelt_keys_are_refused(table):
    with pytest.raises(UserError, match="got 'centre'"):
        mmcion.denoise(table, np.eye(5), {**CONFIG, 'centre': True})
    with pytest.raises(UserError, match='needs "pipeline"'):
        mmcion.denoise(table, np.eye(5), {'center': True})


def made(**values):
    values = {'videos': 6, 'visits': 8, 'dim': 32, 'image_noise': 0.4} | values
    simulation = NoiseModel(**values).simulate(0)
    return simulation.table, simulation.features


def without_times(labels):
    report = deepcopy(labels.report)
    for level in report['levels']:
        level.pop('seconds', None)
    return report


def denoised_in_chunks(size, *, videos=6):
    """Denoise in chunks of about ``size`` rows; may run on ranks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', size)
        config = Config.fromfile(AUTO)
        config.self_check = {'folds': 1}  # one run more, not five
        labels = mmcion.denoise(*made(videos=videos), config)
    return labels.identity, without_times(labels)


def assert_equal(one, other):
    assert one[0].tobytes() == other[0].tobytes()
    assert one[1] == other[1]


@pytest.fixture(scope='module')
def in_one_chunk():
    identity, report = denoised_in_chunks(1 << 15)
    assert 0.5 < (identity >= 0).mean() < 1
    assert report['levels'][3]['merges'] > 0
    assert report['levels'][3]['reallocated_images'] > 0
    return identity, report


@pytest.mark.parametrize('size', [1, 100])
def test_same_bits_for_any_size_of_chunks(in_one_chunk, size):
    assert_equal(denoised_in_chunks(size), in_one_chunk)


def test_the_size_of_chunks_is_what_the_constant_says(monkeypatch):
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', 3)
    assert cut(np.array([0, 1, 2, 5, 6])) == [(0, 3), (3, 4)]


@pytest.mark.parametrize(
    'world_size',
    [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 4))],
)
def test_same_bits_for_any_number_of_ranks(in_one_chunk, world_size):
    for found in run_on_ranks(denoised_in_chunks, 100, world_size=world_size):
        assert_equal(found, in_one_chunk)


def test_more_ranks_than_work():
    alone = denoised_in_chunks(1 << 15, videos=1)
    for found in run_on_ranks(one_video_on_ranks):
        assert_equal(found, alone)


def one_video_on_ranks():
    return denoised_in_chunks(1 << 15, videos=1)


def test_custom_imports_bring_denoisers_of_projects():
    table, features = made()
    scored = TrackletTable.from_columns(
        video_id=table.video_id,
        tracklet_id=table.tracklet_id,
        frame=table.frame,
        score=np.random.default_rng(0).random(len(table)),
    )
    file = (
        Path(mmcion.__file__).parents[1]
        / 'projects/example_project/configs/score-then-three-levels.py'
    )
    labels = mmcion.denoise(scored, features, file)
    names = [level['name'] for level in labels.report['levels']]
    assert names[1:] == [
        'ScoreDenoiser',
        'SingleTrackletDenoiser',
        'SingleVideoDenoiser',
        'CrossVideoDenoiser',
    ]
    removed = labels.report['levels'][1]['removed_images']
    assert removed == (scored.score < 0.5).sum()
    # calibration comes before, on all images; that of links after level 2
    alone = mmcion.denoise(table, features, AUTO)
    found, expected = (
        {
            k: v
            for k, v in each.report['calibration'].items()
            if 'link' not in k
        }
        for each in (labels, alone)
    )
    assert found == expected


def test_denoisers_may_be_written_in_a_module_beside_the_config(
    tmp_path, monkeypatch
):
    (tmp_path / 'half_denoiser.py').write_text(HALF_DENOISER)
    monkeypatch.syspath_prepend(str(tmp_path))
    table, features = made()
    labels = mmcion.denoise(
        table,
        features,
        {
            'custom_imports': {'imports': ['half_denoiser']},
            'pipeline': [{'type': 'HalfDenoiser', 'margin': {'auto': 0.5}}],
            'seed': 7,
        },
    )
    report = labels.report['levels'][1]
    delta = labels.report['calibration']['delta']
    assert report['margin'] == pytest.approx(0.5 * delta)
    assert report['seed'] == 7
    assert labels.keep.tolist() == [True, False] * (len(table) // 2) + [
        True
    ] * (len(table) % 2)


HALF_DENOISER = """
from mmcion.denoising import BaseDenoiser
from mmcion.registry import DENOISERS
from mmcion.structures import IdentityLabels


@DENOISERS.register_module(force=True)
class HalfDenoiser(BaseDenoiser):
    calibrated = {'margin': 'delta'}

    def __init__(self, margin):
        self.margin = margin

    def __call__(self, table, features, labels, seed=0):
        identity = labels.identity.copy()
        identity[1::2] = -1
        return IdentityLabels(identity, {'margin': self.margin, 'seed': seed})
"""


@pytest.mark.parametrize('value', [np.nan, np.inf, 0])
@pytest.mark.parametrize('center', [False, True])
def test_rows_that_are_no_feature_are_named(value, center):
    table, features = made()
    feats = features[:]
    feats[70] = value
    with pytest.raises(ValueError, match='not finite in row 70:'):
        mmcion.denoise(table, feats, {**NUMBERS, 'center': center})
    stage = {**LEVELS[0], 'sigma': 'auto'}
    with pytest.raises(ValueError, match='not finite in row 70:'):
        mmcion.denoise(table, feats, {'pipeline': [stage], 'center': center})


def one_image_tracklets():
    table = TrackletTable.from_columns(
        video_id=np.repeat([0, 1], 10),
        tracklet_id=np.tile(range(10), 2),
        frame=[0] * 20,
    )
    return table, np.random.default_rng(0).normal(size=(20, 8))


def test_tracklets_of_one_image_dissolve():
    labels = mmcion.denoise(*one_image_tracklets(), NUMBERS)
    assert (labels.identity == -1).all()
    assert labels.num_identities == 0
    images = [level['images'] for level in labels.report['levels']]
    assert images == [20, 0, 0, 0]


def test_tracklets_of_one_image_cannot_be_calibrated_on():
    with pytest.raises(ValueError, match=r'two images.* by hand'):
        mmcion.denoise(*one_image_tracklets(), AUTO)


def test_tracklets_of_one_image_may_be_kept():
    first = {**LEVELS[0], 'min_images': 1}
    last = {**LEVELS[2], 'min_images': 1}
    feats = np.tile(np.eye(10), (2, 1))
    labels = mmcion.denoise(
        one_image_tracklets()[0], feats, {'pipeline': [first, last]}
    )
    assert labels.identity.tolist() == [*range(10), *range(10)]


def test_one_video():
    for config in (NUMBERS, AUTO):
        table, features = made(videos=1, videos_per_person=1)
        labels = mmcion.denoise(table, features, config)
        assert labels.num_identities > 0
        last = labels.report['levels'][-1]
        assert last['links'] == last['identities_in_several_videos'] == 0


def test_no_pair_cooccurs():
    # one tracklet after the other
    table = TrackletTable.from_columns(
        video_id=np.repeat([0, 1], 20),
        tracklet_id=np.tile(np.repeat(range(5), 4), 2),
        frame=np.tile(range(20), 2),
    )
    noise = np.random.default_rng(0).normal(0, 0.05, (40, 5))
    feats = np.tile(np.repeat(np.eye(5), 4, axis=0), (2, 1)) + noise
    with pytest.raises(ValueError, match=r'only 0 pairs.* by hand'):
        mmcion.denoise(table, feats, AUTO)
    labels = mmcion.denoise(table, feats, NUMBERS)
    assert (
        labels.identity.tolist() == np.tile(np.repeat(range(5), 4), 2).tolist()
    )


def test_rows_must_be_sorted():
    with pytest.raises(ValueError, match=r'rows must be sorted .* row 1'):
        TrackletTable.from_columns(
            video_id=[1, 0], tracklet_id=[0, 0], frame=[0, 0]
        )


def test_array_must_have_two_dimensions(table):
    with pytest.raises(ValueError, match=r'must be \(N, D\); got \(5,\)'):
        mmcion.denoise(table, np.ones(5), CONFIG)


@pytest.mark.parametrize('videos', [[], ['a', 'b']])
def test_table_without_rows(videos, tmp_path):
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], videos=videos
    )
    feats = np.zeros((0, 4), np.float32)
    for _ in range(2):
        labels = mmcion.denoise(table, feats, NUMBERS, work_dir=tmp_path)
        assert labels.identity.shape == (0,)
        assert labels.num_identities == 0
        assert labels.report['levels'][-1]['images'] == 0
    with pytest.raises(ValueError, match='found only 0'):
        mmcion.denoise(table, feats, AUTO)


def test_no_feature_at_all():
    table, _ = made()
    rows = list(range(len(table)))
    features = FeatureStore(np.zeros((len(rows), 4)), {'unreadable': rows})
    labels = mmcion.denoise(table, features, NUMBERS)
    assert (labels.identity == -1).all()
    with pytest.raises(ValueError, match='found only 0'):
        mmcion.denoise(table, features, AUTO)


@pytest.mark.parametrize('convert', [torch.from_numpy, np.ndarray.tolist])
def test_features_of_any_array_type(table, convert):
    feats = np.eye(2)[[0, 0, 1, 0, 0]]
    labels = mmcion.denoise(table, convert(feats), CONFIG)
    assert labels.identity.tolist() == [0, 0, -1, 0, 0]


def test_arguments_in_the_wrong_order_are_refused():
    table, features = made()
    with pytest.raises(UserError, match=r'TrackletTable.* a FeatureStore'):
        mmcion.denoise(features, table, NUMBERS)
    with pytest.raises(ValueError, match=r'\(N, D\)'):
        mmcion.denoise(table, None, NUMBERS)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'pipeline': 'abc'}, "stage 1 .* got 'a'"),
        ({'pipeline': [None]}, 'stage 1 .* got None'),
        ({'pipeline': LEVELS[0]}, "stage 1 .* got 'type'"),
        ({'calibration': 'abc'}, "calibration .* got 'a'"),
        ({'seed': 'x'}, "seed .* got 'x'"),
        ({'center': 'yes'}, "center .* got 'yes'"),
    ],
)
def test_settings_of_another_kind_are_refused(change, message):
    table, features = made()
    with pytest.raises(UserError, match=message):
        mmcion.denoise(table, features, {**NUMBERS, **change})


def test_features_from_a_folder(tmp_path):
    table, features = made()
    features.save(tmp_path / 'features')
    expected = mmcion.denoise(table, features, NUMBERS)
    found = mmcion.denoise(table, tmp_path / 'features', NUMBERS)
    assert np.array_equal(found.identity, expected.identity)


def test_repeated_frames_of_a_tracklet_are_counted():
    table = TrackletTable.from_columns(
        video_id=[0] * 4, tracklet_id=[0, 0, 0, 1], frame=[5, 5, 6, 5]
    )
    labels = mmcion.denoise(table, np.ones((4, 2)), NUMBERS)
    assert labels.report['inputs']['repeated_frames'] == 1


def test_everything_named_is_there_after_a_bare_import(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(
        'import mmcion; print(mmcion.evaluation.identity_metrics([0], [0]))'
    )
    done = run_tool(script, cwd=tmp_path)
    assert "'pairwise_f1'" in done.stdout, done.stderr
