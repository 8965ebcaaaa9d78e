import pytest

from mmcion.registry import DETECTORS, TRACKERS
from mmcion.video.crops import CropSettings
from mmcion.video.video_files import VideoFile
from mmcion.video.video_pass import VideoPass


@pytest.fixture
def one_pass(walk, tmp_path):
    def make(**settings):
        return VideoPass(
            VideoFile('walk', walk),
            tmp_path / 'out',
            DETECTORS.build({'type': 'BoxFileDetector'}),
            TRACKERS.build({'type': 'GivenIds'}),
            CropSettings(**settings),
        )

    return make


def test_columns_are_sorted_and_name_existing_crops(one_pass, tmp_path):
    seen = []

    shard = one_pass(clips=2).run('key', lambda: seen.append(1))

    assert len(seen) == 30
    assert shard.clips == ['walk-clip0', 'walk-clip1']
    keys = [shard.columns[k] for k in ('clip', 'tracklet_id', 'frame')]
    rows = list(zip(*(key.tolist() for key in keys), strict=True))
    assert rows == sorted(rows)
    for path in shard.columns['path']:
        assert (tmp_path / 'out' / 'crops' / path.decode()).is_file()


def test_short_pieces_of_a_track_are_dropped_per_clip(one_pass):
    shard = one_pass(clips=4, min_length=8).run('key', lambda: None)

    # 30 frames in four clips: 8, 7, 8 and 7
    assert set(shard.columns['clip']) == {0, 2}
    assert shard.report['dropped'] == {'min_length': 28}
    assert shard.report['tracklets'] == 4


def test_failure_leaves_no_crops(one_pass, walk, tmp_path):
    one = one_pass()
    one.tracker.update = lambda detections: 1 / 0

    with pytest.raises(ZeroDivisionError):
        one.run('key', lambda: None)

    assert not list((tmp_path / 'out' / 'crops').iterdir())
