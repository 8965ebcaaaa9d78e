from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

import mmcion
from mmcion.denoising import (
    ClosureDenoiser,
    DenoisePipeline,
    SingleTrackletDenoiser,
    closure,
)
from mmcion.denoising.auto_thresholds import resolve_auto
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError

from ..dist_utils import run_on_ranks
from .plain_cion import Level, plain_cion
from .planted import plant, random_case, store

CONFIGS = Path(__file__).parents[2] / 'configs/denoise'
KINDS = ('directions', 'continuous', 'short', 'one video', 'clean')
EXACT = np.array([[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1.0]])


def random_video(seed, kind):
    """Return a table, features and rows without a feature.

    ``directions`` has many equal features, ``short`` tracklets of one and two
    images, ``clean`` nothing to exclude.
    """
    rng = np.random.default_rng(seed)
    videos = 1 if kind == 'one video' else 3
    most = 2 if kind == 'short' else 9
    sizes = rng.integers(1, most + 1, videos * 9)
    tracklet = np.repeat(np.arange(len(sizes)), sizes)
    table = TrackletTable.from_columns(
        video_id=tracklet // 9,
        tracklet_id=tracklet,
        frame=np.concatenate([np.arange(size) for size in sizes]),
        path=[f'{row}.jpg' for row in range(len(tracklet))],
    )
    looks = rng.normal(size=(7, 5))
    feats = looks[rng.integers(0, 7, len(sizes))][tracklet]
    if kind != 'clean':
        other = rng.random(len(table)) < 0.25
        feats[other] = looks[rng.integers(0, 7, other.sum())]
    if kind != 'directions':
        noise = 0.1 if kind == 'clean' else 0.5
        feats += noise * rng.normal(size=feats.shape)
    unreadable = np.flatnonzero(rng.random(len(table)) < 0.03)
    return table, store(feats, unreadable)


def run_levels(table, features, sigma, levels):
    """Return the labels after single-tracklet denoising and every level."""
    first = SingleTrackletDenoiser(sigma, min_images=1, leave_one_out=True)
    labels = IdentityLabels.from_tracklets(table, features)
    found = [first(table, features, labels)]
    for level in levels:
        denoiser = ClosureDenoiser(**vars(level))
        found.append(denoiser(table, features, found[-1]))
    return found


def assert_equals_the_plain_loops(table, features, sigma, levels):
    found = run_levels(table, features, sigma, levels)
    feats = features[0 : len(table)]
    expected, reports = plain_cion(
        table, feats, sigma, levels, features.unreadable.tolist()
    )
    for labels, identity in zip(found, expected, strict=True):
        assert labels.identity.tolist() == identity.tolist()
    assert [labels.report for labels in found[1:]] == reports
    return reports


@pytest.mark.parametrize('half_width', [1, 3, 1000, None])
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('seed', range(6))
def test_equals_the_plain_loops(seed, kind, half_width):
    case = random_video(seed, kind)
    for sigma, delta in ((0.2, 0.18), (0.4, 0.3)):
        levels = [
            Level(delta, sigma, within_video=True),
            Level(delta, half_width=half_width),
        ]
        assert_equals_the_plain_loops(*case, sigma, levels)


@pytest.mark.parametrize('half_width', [1, 2, 5, None])
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('seed', range(4))
def test_reallocation_across_videos_equals_the_plain_loops(
    seed, kind, half_width
):
    case = random_video(seed, kind)
    level = Level(0.25, 0.35, half_width=half_width)
    assert_equals_the_plain_loops(*case, 0.3, [level])
    both = Level(0.25, 0.35, within_video=True, half_width=half_width)
    assert_equals_the_plain_loops(*case, 0.3, [both])


def test_random_cases_have_what_they_are_for():
    total = np.zeros(4, int)
    for seed in range(6):
        table, features = random_video(seed, 'continuous')
        levels = [Level(0.3, 0.4, within_video=True), Level(0.3)]
        first, second = assert_equals_the_plain_loops(
            table, features, 0.4, levels
        )
        total += (
            first['reallocated_images'], first['merges'], second['merges'],
            len(features.unreadable),
        )  # fmt: skip
    assert (total > 5).all()
    _, features = random_video(0, 'directions')
    assert len(np.unique(features[:], axis=0)) < 10


@pytest.mark.parametrize(
    ('name', 'sigma', 'levels'),
    [
        (
            'three-levels_cion',
            0.2,
            [
                Level(0.18, 0.2, within_video=True),
                Level(0.18, half_width=1000),
            ],
        ),
        ('seed-filter_plip', 0.4, [Level(0.38, 0.35, half_width=2)]),
    ],
)
@pytest.mark.parametrize('seed', range(4))
def test_shipped_configs_equal_the_plain_loops(seed, name, sigma, levels):
    table, features = random_video(seed, 'continuous')
    labels = mmcion.denoise(table, features, CONFIGS / f'{name}.py')
    expected, _ = plain_cion(
        table, features[:], sigma, levels, features.unreadable.tolist()
    )
    assert labels.identity.tolist() == expected[-1].tolist()
    for level in labels.report['levels'][1:]:
        assert level['noise']['after'].keys() >= {'n_cst', 'n_drm', 'n_s'}


def tracklets(*places, video=None):
    """Build a table of tracklets, given as lists of vectors."""
    sizes = [len(vectors) for vectors in places]
    video = np.zeros(len(sizes), int) if video is None else np.array(video)
    table = TrackletTable.from_columns(
        video_id=np.repeat(video, sizes),
        tracklet_id=np.repeat(np.arange(len(sizes)), sizes),
        frame=np.concatenate([np.arange(size) for size in sizes]),
    )
    return table, store(np.concatenate(places))


def denoise(case, identity, **options):
    table, features = case
    labels = IdentityLabels(np.array(identity, np.int32))
    return ClosureDenoiser(**options)(table, features, labels)


@pytest.mark.parametrize('sigma', [0.5, 0.5 + 1e-9])
def test_reallocation_is_strict(sigma):
    # row 1 is at exactly 0.5 of the other tracklet
    a, b, c = EXACT
    case = tracklets([c, a], [b, b])
    result = denoise(case, [0, -1, 1, 1], delta=None, sigma=sigma)
    assert result.identity.tolist() == [0, 1 if sigma > 0.5 else -1, 1, 1]


def test_reallocated_row_never_returns_to_its_own_tracklet():
    # equal to its own tracklet, 0.5 from the other one
    a, b, _ = EXACT
    case = tracklets([a, a], [b, b])
    own = denoise(case, [0, -1, 1, 1], delta=None, sigma=0.4)
    assert own.identity.tolist() == [0, -1, 1, 1]
    other = denoise(case, [0, -1, 1, 1], delta=None, sigma=0.6)
    assert other.identity.tolist() == [0, 1, 1, 1]
    assert other.report['reallocated_images'] == 1


def test_reallocation_is_one_pass_with_the_centroids_of_before():
    # row 2 brings tracklet 0 to row 3, which was too far from it
    plane = [(1, 0), (0.8, 0.6), (0.28, 0.96)]
    case = tracklets([plane[0]], [(-1, 0), plane[1], plane[2]])
    result = denoise(case, [0, 1, -1, -1], delta=None, sigma=0.5)
    assert result.identity.tolist() == [0, 1, 0, -1]


def test_centroids_of_the_links_are_those_after_reallocation():
    # with row 1, tracklet 2 turns away from tracklet 1
    case = tracklets([(-1, 0), (0, 1)], [(1, 0)], [(0.8, 0.6)])
    near = denoise(case, [0, -1, 1, 2], delta=0.3)
    assert near.identity.tolist() == [0, -1, 1, 1]
    turned = denoise(case, [0, -1, 1, 2], delta=0.3, sigma=0.5)
    assert turned.identity.tolist() == [0, 2, 1, 2]


def test_distance_of_exactly_delta_does_not_link():
    a, b, _ = EXACT
    case = tracklets([a, a], [b])
    assert denoise(case, [0, 0, 1], delta=0.5).num_identities == 2
    assert denoise(case, [0, 0, 1], delta=0.5 + 1e-9).num_identities == 1


def test_closure_joins_through_a_third():
    # 0.5, 0.5 and 1 apart
    a, b, c = EXACT
    for order in ([a, b, c], [a, c, b], [b, a, c]):
        result = denoise(
            tracklets(*[[one] for one in order]), [0, 1, 2], delta=0.6
        )
        assert result.num_identities == 1
        assert result.report == {'links': 2, 'merges': 2}


def test_range_is_centred_on_every_identity():
    # equal ones at places 0, 2 and 4: linked one after the other
    a, _, c = EXACT
    minus = -EXACT[1]
    case = tracklets([a], [c], [a], [minus], [a])
    for half_width, found in ((1, 5), (2, 3), (3, 3), (None, 3)):
        result = denoise(
            case, [0, 1, 2, 3, 4], delta=0.1, half_width=half_width
        )
        assert result.num_identities == found
    assert denoise(case, [0, 1, 2, 3, 4], delta=0.1).report['links'] == 3


def test_order_is_that_of_the_tracklets_not_of_the_first_rows():
    a, b, c = EXACT
    # row 1 goes to tracklet 2, which so begins before tracklet 1
    case = tracklets([a, c], [b], [c, c])
    result = denoise(case, [0, -1, 1, 2, 2], delta=None, sigma=0.2)
    assert result.identity.tolist() == [0, 2, 1, 2, 2]
    # tracklets 0 and 1 are neighbours in that order, 0 and 2 are not
    again = ClosureDenoiser(0.9, half_width=1)(*case, result)
    assert again.report['links'] == 2
    assert ClosureDenoiser(2, half_width=1)(*case, result).report['links'] == 2


def test_within_a_video_only():
    a = EXACT[0]
    case = tracklets([a], [a], [a], video=[0, 1, 1])
    result = denoise(case, [0, 1, 2], delta=0.1, within_video=True)
    assert result.identity.tolist() == [0, 1, 1]
    case = tracklets([EXACT[1], a], [a], video=[0, 1])
    inside = denoise(case, [0, -1, 1], delta=None, sigma=1, within_video=True)
    assert inside.identity.tolist() == [0, -1, 1]
    assert denoise(case, [0, -1, 1], delta=None, sigma=1).keep.all()


def test_tracklet_without_an_identity_has_the_place_of_the_next():
    a, _, c = EXACT
    case = tracklets([c], [a], [-c], [-EXACT[1]], [a])
    options = {'delta': None, 'sigma': 0.1}
    for half_width, taken in ((1, False), (2, True)):
        result = denoise(
            case, [0, -1, 1, 2, 3], half_width=half_width, **options
        )
        assert result.keep[1] == taken


def test_nothing_assigned_and_no_rows():
    case = tracklets([EXACT[0]], [EXACT[1]])
    for options in ({}, {'sigma': 0.5}, {'sigma': 0.5, 'within_video': True}):
        result = denoise(case, [-1, -1], delta=0.5, **options)
        assert result.identity.tolist() == [-1, -1]
        assert result.report['links'] == 0
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], videos=['a']
    )
    empty = denoise((table, store(np.zeros((0, 2)))), [], delta=1, sigma=1)
    assert empty.identity.shape == (0,)


def test_inputs_stay_as_they_are():
    table, features, labels = random_case(0)
    before = labels.identity.copy()
    ClosureDenoiser(0.3, 0.4)(table, features, labels)
    assert np.array_equal(labels.identity, before)


@pytest.mark.parametrize('size', [1, 9, 40])
def test_size_of_the_chunks_changes_nothing(monkeypatch, size):
    table, features = random_video(1, 'continuous')
    levels = [Level(0.3, 0.4, within_video=True), Level(0.3, half_width=2)]
    whole = run_levels(table, features, 0.4, levels)
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', size)
    monkeypatch.setattr('mmcion.denoising.functional.neighbours._ROWS', size)
    parts = run_levels(table, features, 0.4, levels)
    for one, other in zip(whole, parts, strict=True):
        assert one.identity.tobytes() == other.identity.tobytes()
        assert one.report == other.report


@pytest.mark.parametrize('function', ['nearest_identity', 'near_pairs'])
def test_interrupted_run_goes_on_to_the_same_bytes(
    tmp_path, monkeypatch, function
):
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', 9)
    module = 'mmcion.denoising.closure'
    original = getattr(closure, function)
    calls = []

    def killed(*args, **options):
        calls.append(function)
        if len(calls) == (1 if function == 'near_pairs' else 3):
            raise KeyboardInterrupt
        return original(*args, **options)

    expected = denoise_on_a_rank(tmp_path / 'whole')
    with monkeypatch.context() as patch:
        patch.setattr(f'{module}.{function}', killed)
        with pytest.raises(KeyboardInterrupt):
            denoise_on_a_rank(tmp_path / 'broken')
    stages = tmp_path / 'broken/stages'
    files = [*stages.glob('01_*.npz'), *stages.glob('02_*/*reallocate*')]
    assert len(files) > 2
    times = [path.stat().st_mtime_ns for path in files]
    calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(f'{module}.{function}', counting(original, calls))
        again = denoise_on_a_rank(tmp_path / 'broken')

    assert again.tobytes() == expected.tobytes()
    # what was finished was not done again
    assert len(calls) == (2 if function == 'near_pairs' else 1)
    assert times[0] == files[0].stat().st_mtime_ns


def counting(function, calls):
    def count(*args, **options):
        calls.append(1)
        return function(*args, **options)

    return count


def denoise_on_a_rank(folder):
    table, features = random_video(2, 'continuous')
    labels = mmcion.denoise(
        table, features, CONFIGS / 'three-levels_cion.py', work_dir=folder
    )
    return labels.identity


def test_ranks_give_the_same_bytes(tmp_path, monkeypatch):
    expected = denoise_on_a_rank(tmp_path / 'one')
    found = run_on_ranks(denoise_on_a_rank, tmp_path / 'two')
    for identity in found:
        assert identity.tobytes() == expected.tobytes()
    files = [path.name for path in (tmp_path / 'one/stages').glob('*.npz')]
    assert len(files) == 3
    for name in files:
        one, two = (tmp_path / f / 'stages' / name for f in ('one', 'two'))
        assert one.read_bytes() == two.read_bytes()


def test_auto_thresholds_depend_on_the_range():
    case = plant(0)
    cfg = Config.fromfile(CONFIGS / 'three-levels_cion.py')
    cfg.merge_from_dict(
        {
            'pipeline.0.sigma': 'auto',
            'pipeline.1.sigma': 'auto',
            'pipeline.1.delta': 'auto',
            'pipeline.2.delta': 'auto',
        }
    )
    stages, found = resolve_auto(cfg.pipeline, {}, case.table, case.features)
    assert [stage['sigma'] for stage in stages[:2]] == [found['sigma']] * 2
    deltas = [stage['delta'] for stage in stages[1:]]
    # between videos the level calibrates it on the identities it gets
    assert deltas == [found['delta'], 'auto']
    report = DenoisePipeline(cfg.pipeline).run(case.table, case.features)
    assert report.report['calibration']['link_delta'] > 0


def test_thresholds_are_checked():
    for wrong in (
        {'delta': 0.5, 'false_discovery_rate': 2},
        {'delta': 0},
        {'delta': 2.5},
        {'delta': 1, 'sigma': 0},
        {'delta': 1, 'half_width': 0},
        {'delta': 1, 'half_width': 1.5},
        {'delta': 1, 'within_video': 'no'},
    ):
        with pytest.raises(UserError, match=str(list(wrong.values())[-1])):
            ClosureDenoiser(**wrong)
