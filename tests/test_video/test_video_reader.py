import re
from fractions import Fraction

import av
import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.video import VideoReader

from .conftest import write_video


def read(path):
    with VideoReader(path) as reader:
        frames = [index for index, _ in reader]
        return frames, reader.report()


def test_reads_all_frames_in_order(tmp_path):
    video = write_video(tmp_path / 'a.avi', frames=12, fps=10)

    frames, report = read(video)

    assert frames == list(range(12))
    assert report['frames_read'] == report['frames_in_header'] == 12
    assert report['fps'] == 10
    assert report['broken_frames'] == 0
    assert not report['early_end']
    assert not report['variable_frame_rate']


def test_video_that_ends_early(tmp_path):
    video = write_video(tmp_path / 'a.avi', frames=40)
    data = video.read_bytes()
    video.write_bytes(data[: len(data) // 2])

    frames, report = read(video)

    assert 0 < len(frames) < 40
    assert report['early_end']
    assert report['broken_frames'] == 0


def test_broken_frames_inside(tmp_path):
    video = write_video(tmp_path / 'a.avi', frames=20)
    data = bytearray(video.read_bytes())
    chunks = [m.start() + 8 for m in re.finditer(b'00dc', data)]
    for number in (5, 6):
        data[chunks[number] : chunks[number] + 400] = bytes(400)
    video.write_bytes(data)

    frames, report = read(video)

    assert len(frames) == 18
    assert report['broken_frames'] == 2
    assert not report['early_end']


def test_variable_frame_rate(tmp_path):
    path = tmp_path / 'v.mp4'
    with av.open(str(path), 'w') as out:
        stream = out.add_stream('mpeg4', rate=100)
        stream.width, stream.height = 96, 64
        for pts in np.cumsum([10, 10, 30] * 6):
            image = np.full((64, 96, 3), pts % 200, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts, frame.time_base = int(pts), Fraction(1, 100)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())

    frames, report = read(path)

    assert len(frames) == 18
    assert report['variable_frame_rate']


def test_messages_for_what_is_no_video(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.avi'):
        VideoReader(tmp_path / 'none.avi')
    text = tmp_path / 'text.avi'
    text.write_text('hello')
    with pytest.raises(UserError, match=r'text\.avi'):
        VideoReader(text)
