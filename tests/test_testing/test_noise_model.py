import itertools
from dataclasses import replace

import numpy as np
import pytest

from mmcion.structures import FeatureStore, TrackletTable
from mmcion.testing import NoiseModel

SMALL = NoiseModel(videos=4, visits=6, images=20, duration=60, dim=32)
CLEAN = replace(SMALL, switches=0, foreign=0, clutter=0)
LARGE = NoiseModel(videos=100, visits=20, images=20, dim=4, look_dim=2)


def visits_of(made):
    """Return (video, person) of every walk of a model without faults."""
    pairs = np.stack((made.table.video_id, made.pid), 1)
    return np.unique(pairs, axis=0)


def main_person(made):
    """Return who is seen most in the tracklet of every row."""
    result = np.empty(len(made.table), np.int64)
    ptr = made.table.tracklet_ptr
    for start, stop in itertools.pairwise(ptr):
        found, counts = np.unique(made.pid[start:stop], return_counts=True)
        result[start:stop] = found[counts.argmax()]
    return result


def test_equal_seeds_give_equal_bits_and_others_do_not():
    one, same, other = (SMALL.simulate(seed) for seed in (3, 3, 4))
    assert one.table.fingerprint() == same.table.fingerprint()
    assert one.features.fingerprint() == same.features.fingerprint()
    assert one.features[:].tobytes() == same.features[:].tobytes()
    assert np.array_equal(one.pid, same.pid)
    assert one.table.fingerprint() != other.table.fingerprint()


def test_features_in_a_folder_are_those_in_memory(tmp_path):
    memory = SMALL.simulate(1)
    mapped = SMALL.simulate(1, folder=tmp_path / 'features')
    assert mapped.features[:].tobytes() == memory.features[:].tobytes()
    assert mapped.table.fingerprint() == memory.table.fingerprint()
    assert np.array_equal(mapped.pid, memory.pid)
    reopened = FeatureStore.open(tmp_path / 'features')
    reopened.check_table(mapped.table)
    assert reopened[:].tobytes() == memory.features[:].tobytes()
    assert reopened.meta['extractor'] == 'NoiseModel'


def test_more_rows_than_are_made_at_a_time(monkeypatch):
    monkeypatch.setattr('mmcion.testing.noise_model._BLOCK', 100)
    made = SMALL.simulate(0)
    assert len(made.table) > 300
    norms = np.linalg.norm(made.features[:], axis=1)
    assert norms == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize('seed', range(3))
def test_table_is_sorted_and_has_one_box_per_tracklet_and_frame(seed):
    made = replace(SMALL, switches=0.5).simulate(seed)
    table = made.table
    # from_columns refuses unsorted rows
    TrackletTable.from_columns(
        video_id=table.video_id,
        tracklet_id=table.tracklet_id,
        frame=table.frame,
    )
    keys = np.stack((table.video_id, table.tracklet_id, table.frame), 1)
    assert len(np.unique(keys, axis=0)) == len(table)
    assert len(table) == len(made.features) == len(made.pid)
    assert len(table.videos) == SMALL.videos


@pytest.mark.parametrize('mean', [1, 1.75, 3, 50])
@pytest.mark.parametrize('seed', range(2))
def test_nobody_visits_a_video_twice(mean, seed):
    made = replace(CLEAN, videos_per_person=mean).simulate(seed)
    visits = visits_of(made)
    per_video = np.bincount(visits[:, 0])
    assert per_video.tolist() == [CLEAN.visits] * CLEAN.videos
    # and a walk is never two: nobody is twice in one frame
    keys = np.stack((made.table.video_id, made.table.frame, made.pid), 1)
    assert len(np.unique(keys, axis=0)) == len(keys)
    if mean == 1:
        assert len(np.unique(visits[:, 1])) == len(visits)


def test_people_are_seen_in_as_many_videos_as_asked():
    made = replace(LARGE, switches=0, foreign=0, clutter=0).simulate(0)
    videos = np.bincount(visits_of(made)[:, 1])
    assert videos.min() == 1
    assert videos.mean() == pytest.approx(LARGE.videos_per_person, rel=0.1)
    assert np.median(videos) == 1


def test_numbers_of_people_have_no_gap_and_clutter_has_its_own():
    made = SMALL.simulate(0)
    people = CLEAN.simulate(0).pid.max() + 1
    clutter = made.pid[made.pid >= people]
    assert set(made.pid[made.pid < people]) <= set(range(people))
    assert len(clutter) == len(np.unique(clutter)) > 0


def test_shares_of_foreign_images_and_clutter():
    model = replace(LARGE, switches=0, foreign=0.05, clutter=0.03)
    made = model.simulate(0)
    clean = replace(model, foreign=0, clutter=0).simulate(0)
    assert np.array_equal(made.table.frame, clean.table.frame)
    people = clean.pid.max() + 1
    clutter = made.pid >= people
    foreign = ~clutter & (made.pid != clean.pid)
    # 40,000 images: three standard deviations are 0.003
    assert len(made.table) > 35_000
    assert clutter.mean() == pytest.approx(0.03, abs=0.003)
    assert foreign.mean() == pytest.approx(0.05, abs=0.0035)
    seen = set(map(tuple, visits_of(clean).tolist()))
    shown = np.stack((made.table.video_id, made.pid), 1)[foreign]
    assert set(map(tuple, shown.tolist())) <= seen  # somebody of that video


def test_one_walk_per_video_has_nobody_foreign():
    model = replace(SMALL, visits=1, clutter=0, foreign=0.9, switches=0)
    made = model.simulate(0)
    assert len(visits_of(made)) == SMALL.videos


def test_share_of_tracklets_that_switch():
    model = replace(
        LARGE, images=40, switches=0.1, foreign=0, clutter=0, fragmentation=0
    )
    made = model.simulate(0)
    table = made.table
    mixed = made.pid != main_person(made)
    tracklets = np.unique(table.tracklet_index[mixed])
    # some meet nobody, exchange all images, or exchange twice
    assert 0.07 < len(tracklets) / table.num_tracklets <= 0.1
    clean = replace(model, switches=0).simulate(0)
    assert np.array_equal(main_person(clean), clean.pid)
    # images change their tracklet, not their video, frame or person
    for field in ('video_id', 'frame'):
        ours, theirs = getattr(table, field), getattr(clean.table, field)
        assert np.array_equal(np.sort(ours), np.sort(theirs))
    assert np.array_equal(np.sort(made.pid), np.sort(clean.pid))


def test_tracks_break_as_often_as_asked():
    whole = replace(LARGE, fragmentation=0).simulate(0)
    assert whole.table.num_tracklets == LARGE.videos * LARGE.visits
    broken = replace(LARGE, fragmentation=0.1).simulate(0)
    breaks = broken.table.num_tracklets - whole.table.num_tracklets
    assert breaks / len(broken.table) == pytest.approx(0.095, abs=0.01)


def test_walks_have_the_mean_number_of_images():
    made = LARGE.simulate(0)
    walks = LARGE.videos * LARGE.visits
    assert len(made.table) / walks == pytest.approx(LARGE.images, rel=0.05)


def test_noise_has_the_lengths_asked_for():
    model = replace(CLEAN, dim=512, image_noise=0.8, noise_spread=0.01)
    still = replace(model, image_noise=0)
    made, exact = model.simulate(0), still.simulate(0)
    # before normalising: look + drift + shift, then noise at right angles
    same = np.einsum('nd,nd->n', made.features[:], exact.features[:])
    noise = np.sqrt(1 / same**2 - 1)
    looks = np.sqrt(1 + still.drift**2 + still.camera_shift**2)
    assert np.median(noise) == pytest.approx(0.8 / looks, rel=0.05)
    alike = replace(still, drift=0, camera_shift=0).simulate(0)
    for person in np.unique(alike.pid):
        feats = alike.features[alike.pid == person]
        assert feats @ feats[0] == pytest.approx(1, abs=2e-3)


def test_people_lie_in_as_few_dimensions_as_asked():
    still = replace(CLEAN, look_dim=5, image_noise=0)
    values = np.linalg.svd(still.simulate(0).features[:])[1]
    assert (values > 0.01 * values[0]).sum() == 5
