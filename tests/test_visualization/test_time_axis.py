import numpy as np
import pytest

from mmcion.structures import TrackletTable
from mmcion.visualization.time_axis import TimeAxis


def table_of(*videos, fps=None, sources=None):
    """Return a table of (name, frames), a tracklet per video."""
    lengths = [len(frames) for _, frames in videos]
    video = np.repeat(np.arange(len(videos)), lengths)
    return TrackletTable.from_columns(
        video_id=video,
        tracklet_id=np.zeros_like(video),
        frame=np.concatenate([frames for _, frames in videos]),
        videos=[name for name, _ in videos],
        sources=sources,
        fps=fps,
    )


def test_recordings_follow_each_other():
    table = table_of(
        ('a', range(0, 100, 10)), ('b', range(600, 900, 10)), fps=[1, 10]
    )
    axis = TimeAxis(table)
    # 0 to 100 s, then 60 to 90 s: the last images last until the next would
    assert axis.in_seconds
    assert (axis.length, axis.length_text) == (130, '2:10')
    found = axis.position(np.array([0, 0, 1, 1]), np.array([0, 50, 600, 750]))
    np.testing.assert_allclose(found, np.array([0, 50, 100, 115]) / 130)
    np.testing.assert_allclose(axis.cuts, [0, 100 / 130])
    names = [(mark.text, mark.left, mark.width) for mark in axis.names]
    assert names == [
        ('a', 0, pytest.approx(100 / 130)),
        ('b', pytest.approx(100 / 130), pytest.approx(30 / 130)),
    ]
    assert [(mark.text, round(130 * mark.left)) for mark in axis.ticks] == [
        *(('0:00', 0), ('0:30', 30), ('1:00', 60), ('1:30', 90)),
        ('1:00', 100),
    ]
    assert axis.text(1, 750) == '1:15'


def test_clips_of_a_recording_are_in_the_order_of_time():
    table = table_of(
        ('late', [60, 70, 80]), ('early', [10, 20]), sources=['x', 'x']
    )
    axis = TimeAxis(table)
    assert not axis.in_seconds
    assert (axis.length, axis.length_text) == (80, '80 frames')
    assert [mark.text for mark in axis.names] == ['early', 'late']
    np.testing.assert_allclose(axis.cuts, [0, 50 / 80])
    assert axis.position(np.array([0]), np.array([70])) == 60 / 80
    assert [mark.text for mark in axis.ticks][:3] == ['10', '20', '30']


def test_many_videos_have_some_names_and_no_times():
    videos = [(f'v{n:02}', range(10)) for n in range(40)]
    axis = TimeAxis(table_of(*videos, fps=[1] * 40))
    assert [m.text for m in axis.names] == [
        f'v{n:02}' for n in range(0, 36, 5)
    ]
    assert axis.ticks == []
    assert len(axis.cuts) == 40
    # of few recordings that were cut the names are those of the recordings
    sources = ['day'] * 20 + ['night'] * 20
    axis = TimeAxis(table_of(*videos, sources=sources))
    assert [mark.text for mark in axis.names] == ['day', 'night']


def test_seconds_need_every_frame_rate():
    axis = TimeAxis(table_of(('a', [0]), ('b', [0]), fps=[25, None]))
    assert not axis.in_seconds
    assert axis.length == 2


def test_empty_videos_and_tables():
    axis = TimeAxis(table_of(('a', []), ('b', [5]), ('c', []), fps=[0, 5, 0]))
    assert axis.in_seconds
    assert [mark.text for mark in axis.names] == ['b']
    assert axis.position(np.array([1]), np.array([5])) == 0
    empty = TimeAxis(table_of(('a', [])))
    assert (empty.length, empty.names, empty.ticks) == (0, [], [])
