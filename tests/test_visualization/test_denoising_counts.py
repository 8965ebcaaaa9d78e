import numpy as np
import pytest

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError
from mmcion.visualization.denoising_counts import (
    IdentityCounts,
    RemovedCounts,
    bin_counts,
    count_between,
    count_videos,
)


def table_of(video_id, tracklet_id, videos=None):
    return TrackletTable.from_columns(
        video_id=video_id,
        tracklet_id=tracklet_id,
        frame=np.arange(len(video_id)),
        videos=videos,
    )


def test_counts_by_hand():
    table = table_of([0, 0, 0, 1, 1, 2], [0, 0, 1, 0, 1, 0])
    labels = IdentityLabels(np.array([7, 7, -1, 7, 2, 2], np.int32))
    counts = IdentityCounts.from_labels(table, labels)
    assert counts.identity.tolist() == [2, 7]
    assert counts.images.tolist() == [2, 3]
    assert counts.videos.tolist() == [2, 2]
    assert counts.num_several == 2
    assert counts.pairs.tolist() == [[0, 1], [0, 2], [1, 0], [1, 1]]
    # of equally many videos, so the one of more images comes first
    assert counts.identity[counts.in_most_videos(9)].tolist() == [7, 2]
    assert counts.identity[counts.in_most_videos(1)].tolist() == [7]


def test_removed_images_by_hand():
    table = table_of([0] * 6, [0, 0, 0, 1, 1, 2])
    labels = IdentityLabels(np.array([0, -1, 0, -1, -1, 2], np.int32))
    removed = RemovedCounts.from_labels(table, labels)
    assert removed.images == 3
    assert removed.partly.tolist() == [0]
    assert removed.wholly.tolist() == [1]


def test_counts_equal_plain_loops():
    rng = np.random.default_rng(0)
    video = np.sort(rng.integers(0, 6, 300))
    table = table_of(video, np.zeros(300), [f'v{i}' for i in range(7)])
    labels = IdentityLabels(rng.integers(-1, 40, 300).astype(np.int32))
    counts = IdentityCounts.from_labels(table, labels)
    for k, identity in enumerate(counts.identity):
        rows = labels.identity == identity
        assert counts.images[k] == rows.sum()
        assert counts.videos[k] == len(set(video[rows]))
    videos = count_videos(table, labels, counts, 99)
    assert [v.images for v in videos] == sorted(
        np.bincount(video, minlength=7), reverse=True
    )
    for found in videos:
        v = table.videos.index(found.name)
        rows = (video == v) & (labels.identity >= 0)
        here = set(labels.identity[rows])
        elsewhere = set(labels.identity[(video != v)])
        assert found.kept == rows.sum()
        assert found.tracklets == (1 if v < 6 else 0)
        assert found.identities == len(here)
        assert found.shared == len(here & elsewhere)
    assert count_videos(table, labels, counts, 2) == videos[:2]


def test_labels_of_another_table_are_refused():
    labels = IdentityLabels(np.zeros(3, np.int32))
    with pytest.raises(UserError, match='table 2, labels 3'):
        IdentityCounts.from_labels(table_of([0, 0], [0, 0]), labels)


def test_count_between():
    flags = np.array([True, False, True, True])
    assert count_between(flags, np.array([0, 0, 2, 4])).tolist() == [0, 1, 2]
    assert count_between(flags[:0], np.array([0])).tolist() == []


def test_small_numbers_have_a_bin_each():
    assert bin_counts(np.array([1, 3, 3])) == {'1': 1, '2': 0, '3': 2}
    assert bin_counts(np.zeros(0, int)) == {}


def test_bins_double_and_the_last_is_open():
    values = np.array([1, 2, 3, 4, 5, 13, 1024, 1025, 99999])
    bins = bin_counts(values)
    assert sum(bins.values()) == len(values)
    assert list(bins)[:4] == ['1', '2', '3–4', '5–8']
    assert bins['3–4'] == 2
    assert bins['9–16'] == 1
    assert bins['513–1,024'] == 1
    assert bins['over 1,024'] == 2
    found = bin_counts(np.array([13, 3]))
    assert found == {'3–4': 1, '5–8': 0, '9–16': 1}
