import sys

import av
import numpy as np
import pytest

from mmcion.utils.checks import MissingPackageError
from mmcion.video import TrackletExtractor, VideoReader
from mmcion.video.annotated_video import annotated_video

from .conftest import HEIGHT, WIDTH, files, write_video

BOX = np.array([[20, 10, 50, 50]], np.float32)


def read(path):
    """Return the stream, the times and the images of a video."""
    with av.open(str(path)) as file:
        (stream,) = file.streams.video
        frames = list(file.decode(stream))
        seconds = [frame.pts * frame.time_base for frame in frames]
        images = [frame.to_ndarray(format='bgr24') for frame in frames]
        return stream, seconds, images


def test_each_track_is_drawn_at_its_place_and_time(tmp_path):
    dark = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    with (
        VideoReader(write_video(tmp_path / 'a.avi', fps=12.5)) as reader,
        annotated_video(tmp_path / 'new' / 'a.mp4', reader) as draw,
    ):
        draw(0, dark, BOX, np.array([3]))
        draw(2, dark, BOX[:0], np.array([], np.int64))
        draw(3, dark, BOX, np.array([4]))

    stream, seconds, (third, nobody, fourth) = read(tmp_path / 'new/a.mp4')

    # what browsers play
    assert stream.codec.name == 'h264' and stream.pix_fmt == 'yuv420p'
    assert seconds == pytest.approx([0, 2 / 12.5, 3 / 12.5])
    assert nobody.max() < 20
    # the side of the box, and its inside; other tracks have other colours
    sides = [image[35:45, 49:52].mean((0, 1)) for image in (third, fourth)]
    assert min(side.max() for side in sides) > 80
    assert np.abs(sides[0] - sides[1]).max() > 50
    assert third[25:30, 33:37].max() < 60
    assert not dark.any()


def test_sizes_that_h264_does_not_have(tmp_path):
    video = write_video(tmp_path / 'a.avi')
    with VideoReader(video) as reader:
        reader.width, reader.height = WIDTH - 1, HEIGHT - 1
        with annotated_video(tmp_path / 'a.mp4', reader) as draw:
            image = np.zeros((HEIGHT - 1, WIDTH - 1, 3), np.uint8)
            draw(0, image, BOX, np.array([1]))

    _, _, (image,) = read(tmp_path / 'a.mp4')
    assert image.shape == (HEIGHT - 2, WIDTH - 2, 3)


def test_an_error_leaves_no_file(tmp_path):
    with (
        VideoReader(write_video(tmp_path / 'a.avi')) as reader,
        pytest.raises(ZeroDivisionError),
        annotated_video(tmp_path / 'out' / 'a.mp4', reader) as draw,
    ):
        draw(0, np.zeros((HEIGHT, WIDTH, 3), np.uint8), BOX, np.array([1]))
        raise ZeroDivisionError
    assert not list((tmp_path / 'out').iterdir())


def test_of_a_video_without_frames_there_is_none(
    three_videos, tmp_path, monkeypatch
):
    frames = VideoReader.__iter__
    monkeypatch.setattr(
        VideoReader,
        '__iter__',
        lambda self: iter(()) if self.path.stem == 'b' else frames(self),
    )
    extractor = TrackletExtractor(
        {'type': 'BoxFileDetector'}, {'type': 'GivenIds'}
    )
    table = extractor.run([three_videos], tmp_path / 'out', save_video=True)

    assert table.videos == ('a', 'sub+a')
    names = sorted(p.name for p in (tmp_path / 'out/annotated').iterdir())
    assert names == ['a.mp4', 'sub+a.mp4']


def test_of_all_videos_beside_the_same_crops(three_videos, tmp_path):
    extractor = TrackletExtractor(
        {'type': 'BoxFileDetector'}, {'type': 'GivenIds'}
    )
    extractor.run([three_videos], tmp_path / 'out', save_video=True)

    folder = tmp_path / 'out' / 'annotated'
    names = sorted(path.name for path in folder.iterdir())
    assert names == ['a.mp4', 'b.mp4', 'sub+a.mp4']
    _, seconds, images = read(folder / 'a.mp4')
    assert seconds == pytest.approx([i / 10 for i in range(30)])
    assert images[0].shape == (HEIGHT, WIDTH, 3)
    extractor.run([three_videos], tmp_path / 'plain')
    assert files(tmp_path / 'out') == files(tmp_path / 'plain')
    assert not (tmp_path / 'plain' / 'annotated').exists()


def test_a_missing_package_is_named_before_the_work(
    walk, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, 'av', None)
    extractor = TrackletExtractor(
        {'type': 'BoxFileDetector'}, {'type': 'GivenIds'}
    )
    with pytest.raises(MissingPackageError, match=r'mmcion\[video\]'):
        extractor.run([walk], tmp_path / 'out', save_video=True)
