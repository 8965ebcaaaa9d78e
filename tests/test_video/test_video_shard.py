import numpy as np
import pytest

from mmcion.video.video_shard import VideoShard, join_shards


def shard(name, tracks, *, clips=1):
    rows = len(tracks)
    columns = {
        'clip': np.arange(rows) * clips // max(rows, 1),
        'tracklet_id': np.array(tracks, np.int64),
        'frame': np.arange(rows),
        'path': np.array(
            [f'{name}0/é{i}.jpg'.encode() for i in range(rows)], 'S'
        ),
        'box': np.ones((rows, 4), np.float32),
        'score': np.ones(rows, np.float32),
    }
    names = [f'{name}{i}' for i in range(clips)]
    return VideoShard(columns, {'name': name, 'clips': names})


def test_saved_shard_comes_back(tmp_path):
    shard('a', [3, 3, 4]).save(tmp_path / 'a')

    found = VideoShard.load(tmp_path / 'a', ['a0'])

    assert found.report == {'name': 'a', 'clips': ['a0']}
    assert found.columns['tracklet_id'].tolist() == [3, 3, 4]


def test_no_or_damaged_shard_is_none(tmp_path):
    assert VideoShard.load(tmp_path / 'none', ['a0']) is None
    shard('a', [3, 3, 4]).save(tmp_path / 'a')
    (tmp_path / 'a' / 'box.npy').unlink()
    assert VideoShard.load(tmp_path / 'a', ['a0']) is None


@pytest.mark.parametrize('name', ['../../x', '/x/y', '..'])
def test_names_in_a_shard_lead_nowhere_else(tmp_path, name):
    made = shard('a', [3, 3, 4])
    made.report['clips'] = [name]
    made.save(tmp_path / 'a')
    assert VideoShard.load(tmp_path / 'a', ['a0']) is None

    for path in (f'{name}/1.jpg', f'a0/{name}/1.jpg'):
        made = shard('a', [3, 3, 4])
        made.columns['path'] = np.array([path.encode()] * 3)
        made.save(tmp_path / 'a')
        assert VideoShard.load(tmp_path / 'a', ['a0']) is None


@pytest.mark.parametrize('report', [None, [], {}, {'name': 'b'}])
def test_damaged_report_of_a_shard(tmp_path, report):
    VideoShard(shard('a', [3]).columns, report).save(tmp_path / 'a')
    assert VideoShard.load(tmp_path / 'a', ['a0']) is None


def test_join_numbers_clips_and_sorts(tmp_path):
    shards = [
        shard('a', [5, 5, 2, 2], clips=2),
        shard('empty', []),
        shard('b', [9, 1]),
    ]

    shards[0].report['fps'] = 12.5

    table = join_shards(shards, tmp_path)

    assert table.videos == ('a0', 'a1', 'empty0', 'b0')
    assert table.video_id.tolist() == [0, 0, 1, 1, 3, 3]
    assert table.tracklet_id.tolist() == [5, 5, 2, 2, 1, 9]
    assert table.image_path(4) == tmp_path / 'crops' / 'b0' / 'é1.jpg'
    nan = np.nan
    np.testing.assert_array_equal(table.fps, [12.5, 12.5, nan, nan])


@pytest.mark.parametrize('names', [['a'], ['a', 'b']])
def test_join_of_empty_videos(tmp_path, names):
    table = join_shards([shard(name, []) for name in names], tmp_path)

    assert len(table) == 0
    assert len(table.videos) == len(names)
