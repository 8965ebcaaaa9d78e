from mmcion.datasets.tracklet_readers.name_rules import LUPERSON_IMAGE
from mmcion.datasets.tracklet_readers.video_tree import (
    COPY,
    add_video_folders,
)
from mmcion.utils.skip_report import SkipReport

from .trees import counts_of, touch


def test_videos_are_numbered_in_sorted_order(tmp_path):
    touch(tmp_path, 'b/x/v2/00000007_0001.jpg', 'a/x/v1/00000002_0000.jpg')
    touch(tmp_path, 'a/x/v1/00000001_0003.jpg', 'a/y/v0/notes.txt')
    touch(tmp_path, 'a/z/v2/00000009_0000.jpg')
    added, report = [], SkipReport('')

    def add(video, fields, path):
        added.append((video, fields.tolist(), path))

    videos = add_video_folders(
        tmp_path, LUPERSON_IMAGE, add, report, check_sizes=False
    )

    # v0 has no images; v2 of b is the v2 of a
    assert videos == ['a/x/v1', 'a/z/v2']
    assert added == [
        (
            0,
            [[1, 3], [2, 0]],
            [b'a/x/v1/00000001_0003.jpg', b'a/x/v1/00000002_0000.jpg'],
        ),
        (1, [[9, 0]], [b'a/z/v2/00000009_0000.jpg']),
    ]
    assert counts_of(report)[COPY] == 1
