import time

import cv2
import numpy as np
import pytest

from mmcion.testing.synthetic_video import (
    synthetic_detections,
    write_synthetic_video,
)


def read_frames(path):
    video, frames = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        frames.append(read[1])
    return np.stack(frames)


def read_truth(path):
    assert path.read_text().startswith('frame,id,x,y,w,h\n')
    return np.loadtxt(path, delimiter=',', skiprows=1, dtype=int)


@pytest.fixture(scope='module')
def street(tmp_path_factory):
    path = tmp_path_factory.mktemp('video') / 'street.avi'
    start = time.process_time()
    truth = write_synthetic_video(path, num_identities=5, num_frames=270)
    assert time.process_time() - start < 15  # about 3 s
    return path, truth


@pytest.fixture(scope='module')
def frames(street):
    return read_frames(street[0])


def test_video_has_all_frames_and_truth_is_inside(street, frames):
    path, truth = street
    lines = read_truth(truth)
    assert frames.shape == (270, 360, 640, 3)
    assert truth == path.with_name('street_gt.csv')
    assert sorted(p.name for p in path.parent.iterdir()) == [
        'street.avi',
        'street_gt.csv',
    ]
    frame, pid, x, y, w, h = lines.T
    assert set(pid) == set(range(5))
    assert (frame.min() >= 1) and (frame.max() <= 270)
    assert (x >= 0).all() and (x + w <= 640).all()
    assert (y >= 0).all() and (y + h <= 360).all()
    assert (h > 60).all()
    assert len(np.unique(lines[:, :2], axis=0)) == len(lines)


def test_figures_leave_and_come_back(street):
    lines = read_truth(street[1])
    gaps = [
        np.diff(lines[lines[:, 1] == pid, 0]).max(initial=0)
        for pid in range(5)
    ]
    assert sum(gap > 8 for gap in gaps) >= 3


def test_truth_shows_where_the_image_differs_from_the_street(street, frames):
    lines = read_truth(street[1])
    empty = np.median(frames[::9], axis=0).astype(np.int16)
    some = frames[::9].astype(np.int16)
    changed = np.abs(some - empty).max(axis=3) > 60
    inside = np.zeros_like(changed)
    for frame, _, x, y, w, h in lines[lines[:, 0] % 9 == 1]:
        inside[frame // 9, y : y + h, x : x + w] = True
    assert changed[inside].mean() > 0.2
    assert changed[~inside].mean() < 0.005


def test_identities_look_different_and_alike_across_frames(street, frames):
    lines = read_truth(street[1])
    colors = {}
    for frame, pid, x, y, w, h in lines:
        middle = frames[frame - 1, y + h // 4 : y + h // 2]
        middle = middle[:, x + w // 3 : x + 2 * w // 3]
        colors.setdefault(pid, []).append(np.median(middle, axis=(0, 1)))
    center = np.array([np.median(c, axis=0) for c in colors.values()])
    spread = np.array(
        [
            np.median(np.abs(c - m))
            for c, m in zip(colors.values(), center, strict=True)
        ]
    )
    apart = np.abs(center[:, None] - center).max(axis=2)
    assert spread.max() < 15
    assert (apart > 40).sum() >= 12  # of 20 ordered pairs


def test_same_seed_same_bytes_other_seed_other_paths(tmp_path):
    options = {'num_identities': 3, 'num_frames': 6, 'size': (320, 180)}
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        write_synthetic_video(tmp_path / f'{name}.avi', seed=seed, **options)
    a, b, c = ((tmp_path / f'{n}_gt.csv').read_bytes() for n in 'abc')
    assert a == b != c
    frames = [read_frames(tmp_path / f'{n}.avi') for n in 'ab']
    np.testing.assert_array_equal(*frames)


def test_short_video_shows_figures(tmp_path):
    truth = write_synthetic_video(tmp_path / 'a.avi', num_frames=20)
    assert len(set(read_truth(truth)[:, 1])) >= 4


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(ValueError, match=r'a\.mp4'):
        write_synthetic_video(tmp_path / 'a.mp4')
    with pytest.raises(ValueError, match=r'num_identities.*0'):
        write_synthetic_video(tmp_path / 'a.avi', num_identities=0)
    assert not list(tmp_path.iterdir())


def test_detections_miss_some_and_invent_some(street):
    lines = read_truth(street[1])
    rows = synthetic_detections(street[1], seed=3, jitter=0, false_rate=0.2)
    assert rows.shape[1] == 10
    assert (np.diff(rows[:, 0]) >= 0).all()
    assert (rows[:, [1, 7, 8, 9]] == -1).all()
    true = {tuple(line) for line in lines[:, [0, 2, 3, 4, 5]].tolist()}
    hit = [tuple(row) in true for row in rows[:, [0, 2, 3, 4, 5]].tolist()]
    assert 0.87 < sum(hit) / len(lines) < 0.97
    assert 0.12 < 1 - np.mean(hit) < 0.22


def test_detections_without_noise_are_the_truth(street):
    lines = read_truth(street[1])
    rows = synthetic_detections(street[1], jitter=0, miss_rate=0, false_rate=0)
    np.testing.assert_array_equal(rows[:, 2:6], lines[:, 2:])
    jittered = synthetic_detections(street[1], miss_rate=0, false_rate=0)
    shift = np.abs(jittered[:, 2:6] - lines[:, 2:]) / lines[:, [4, 5, 4, 5]]
    assert 0.02 < shift.mean() < 0.05
