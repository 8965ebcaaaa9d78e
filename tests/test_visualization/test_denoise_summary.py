import numpy as np
import pytest

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.visualization.denoise_summary import (
    IdentitySummary,
    bin_counts,
    count_videos,
    spread,
    sums_between,
)


def table_of(video_id, tracklet_id, videos=None):
    return TrackletTable.from_columns(
        video_id=video_id,
        tracklet_id=tracklet_id,
        frame=np.arange(len(video_id)),
        videos=videos,
    )


def test_summary_by_hand():
    table = table_of([0, 0, 0, 1, 1, 2], [0, 0, 1, 0, 1, 0])
    labels = IdentityLabels(np.array([7, 7, -1, 7, 2, 2], np.int32))
    summary = IdentitySummary.of(table, labels)
    assert summary.names.tolist() == [2, 7]
    assert summary.images.tolist() == [2, 3]
    assert summary.videos.tolist() == [2, 2]
    assert [x.tolist() for x in summary.seen] == [[0, 0, 1, 1], [1, 2, 0, 1]]
    # as many videos, so the one with more images comes first
    assert summary.names[summary.most_videos(9)].tolist() == [7, 2]
    assert summary.names[summary.most_videos(1)].tolist() == [7]


def test_summary_equals_plain_loops():
    rng = np.random.default_rng(0)
    video = np.sort(rng.integers(0, 6, 300))
    table = table_of(video, np.zeros(300), [f'v{i}' for i in range(7)])
    labels = IdentityLabels(rng.integers(-1, 40, 300).astype(np.int32))
    summary = IdentitySummary.of(table, labels)
    for k, name in enumerate(summary.names):
        rows = labels.identity == name
        assert summary.images[k] == rows.sum()
        assert summary.videos[k] == len(set(video[rows]))
    counts = count_videos(table, labels, summary, 99)
    assert [c.images for c in counts] == sorted(
        np.bincount(video, minlength=7), reverse=True
    )
    for count in counts:
        v = table.videos.index(count.name)
        rows = (video == v) & (labels.identity >= 0)
        here = set(labels.identity[rows])
        elsewhere = set(labels.identity[(video != v)])
        assert count.kept == rows.sum()
        assert count.tracklets == (1 if v < 6 else 0)
        assert count.identities == len(here)
        assert count.shared == len(here & elsewhere)


def test_labels_of_another_table_are_refused():
    labels = IdentityLabels(np.zeros(3, np.int32))
    with pytest.raises(ValueError, match=r'3 labels .* table of 2 rows'):
        IdentitySummary.of(table_of([0, 0], [0, 0]), labels)


def test_sums_between():
    flags = np.array([True, False, True, True])
    assert sums_between(flags, np.array([0, 0, 2, 4])).tolist() == [0, 1, 2]
    assert sums_between(flags[:0], np.array([0])).tolist() == []


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


def test_spread_takes_both_ends():
    assert spread(np.arange(10), 3).tolist() == [0, 4, 9]
    assert spread(np.arange(2), 9).tolist() == [0, 1]
    assert spread(np.arange(0), 9).tolist() == []
