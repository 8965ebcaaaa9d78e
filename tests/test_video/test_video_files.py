import re
from pathlib import Path

import pytest

from mmcion.utils.checks import UserError
from mmcion.video import VideoReader
from mmcion.video.video_files import VideoFile, find_videos


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(videos):
    return [video.name for video in videos]


def test_names_tell_the_folder(tmp_path):
    touch(tmp_path, 'x/a.mp4', 'y/a.mp4', 'b.AVI', 'b.txt')

    assert names(find_videos([tmp_path])) == ['b', 'x+a', 'y+a']


def test_two_folders_with_equal_names(tmp_path):
    touch(tmp_path, 'x/a.mp4', 'y/a.mp4')

    found = find_videos([tmp_path / 'x', tmp_path / 'y' / 'a.mp4'])

    assert names(found) == ['x+a', 'y+a']


def test_a_named_file_is_taken_whatever_its_suffix(tmp_path):
    touch(tmp_path, 'a.raw')

    assert names(find_videos([tmp_path / 'a.raw'])) == ['a']


def test_the_same_file_twice_is_one_video(tmp_path):
    touch(tmp_path, 'a.mp4')

    assert names(find_videos([tmp_path, tmp_path / 'a.mp4'])) == ['a']


def test_a_link_to_a_video_elsewhere(tmp_path):
    touch(tmp_path, 'disk/1.mp4', 'videos/a.mp4')
    (tmp_path / 'videos' / 'b.mp4').symlink_to(tmp_path / 'disk' / '1.mp4')

    found = find_videos([tmp_path / 'videos'])

    assert names(found) == ['a', 'b']
    assert found[1].path == tmp_path / 'videos' / 'b.mp4'


def test_equal_names_are_refused(tmp_path):
    touch(tmp_path, 'a.mp4', 'a.avi')

    with pytest.raises(UserError, match="'a'"):
        find_videos([tmp_path])


def test_nothing_found(tmp_path):
    with pytest.raises(FileNotFoundError, match='none'):
        find_videos([tmp_path / 'none'])
    touch(tmp_path, 'notes.txt')
    with pytest.raises(UserError, match='1 other files'):
        find_videos([tmp_path])


def test_clip_names(tmp_path):
    touch(tmp_path, 'a.mp4')
    (video,) = find_videos([tmp_path])

    assert video.clip_names(1) == ['a']
    assert video.clip_names(2) == ['a-clip0', 'a-clip1']


def test_hidden_files_and_folders_are_skipped(tmp_path):
    touch(tmp_path, 'a.mp4', '._a.mp4', '.Trash-0/b.mp4', '...avi')
    assert names(find_videos([tmp_path])) == ['a']
    touch(tmp_path, '.home/videos/c.mp4')  # where the user says so
    assert names(find_videos([tmp_path / '.home' / 'videos'])) == ['c']


@pytest.mark.parametrize('name', ['...avi', '..avi', '.a.tmp.avi'])
def test_names_that_are_no_names_of_folders(tmp_path, name):
    touch(tmp_path, name)
    with pytest.raises(UserError, match=re.escape(name)):
        find_videos([tmp_path / name])


@pytest.mark.parametrize('name', ['../x', '/x', 'a/b', ''])
def test_a_name_is_a_single_folder(tmp_path, name):
    with pytest.raises(UserError, match=repr(name)):
        VideoFile(name, tmp_path / 'a.mp4')


@pytest.mark.parametrize('source', ['rtsp://door/1', 'https://x.org/a.mp4'])
def test_streams_are_refused(source):
    with pytest.raises(FileNotFoundError, match=rf'ffmpeg -i {source}'):
        find_videos([source])
    with pytest.raises(FileNotFoundError, match='ffmpeg'):
        VideoReader(Path(source))
