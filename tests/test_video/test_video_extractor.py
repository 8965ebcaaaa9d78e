import pytest

from mmcion.video.crops import CropSettings
from mmcion.video.video_extractor import VideoExtractor
from mmcion.video.video_files import VideoFile


@pytest.fixture
def extract(walk, tmp_path):
    def run(on_frame=lambda: None, **settings):
        extractor = VideoExtractor(
            {'type': 'BoxFileDetector'},
            {'type': 'GivenIds'},
            CropSettings(**settings),
            tmp_path / 'out',
        )
        return extractor.extract(VideoFile('walk', walk), on_frame)

    return run


def test_columns_are_sorted_and_name_existing_crops(extract, tmp_path):
    seen = []

    shard = extract(lambda: seen.append(1), clips=2)

    assert len(seen) == 30
    assert shard.report['clips'] == ['walk-clip0', 'walk-clip1']
    keys = [shard.columns[k] for k in ('clip', 'tracklet_id', 'frame')]
    rows = list(zip(*(key.tolist() for key in keys), strict=True))
    assert rows == sorted(rows)
    for path in shard.columns['path']:
        assert (tmp_path / 'out' / 'crops' / path.decode()).is_file()


def test_short_pieces_of_a_track_are_dropped_per_clip(extract):
    shard = extract(clips=4, min_length=8)

    # 30 frames in four clips: 8, 7, 8 and 7
    assert set(shard.columns['clip']) == {0, 2}
    assert shard.report['dropped'] == {'min_length': 28}
    assert shard.report['tracklets'] == 4


def test_failure_leaves_no_crops(extract, tmp_path):
    with pytest.raises(ZeroDivisionError):
        extract(lambda: 1 / 0)

    assert not list((tmp_path / 'out' / 'crops').iterdir())
    assert not (tmp_path / 'out' / 'videos').exists()
