import numpy as np
import pytest

from mmcion.datasets.tracklet_readers import MARSReader
from mmcion.datasets.tracklet_readers.image_tree import WRONG_NAME
from mmcion.datasets.tracklet_readers.mars import JUNK, OTHER_PERSON
from mmcion.utils.checks import UserError

from .trees import counts_of, rows_of, touch


@pytest.fixture
def train(tmp_path):
    root = tmp_path / 'bbox_train'
    touch(
        *(root, '0001/0001C1T0001F001.jpg', '0001/0001C1T0001F003.jpg'),
        *('0001/0001C1T0002F001.jpg', '0001/0001C2T0001F001.jpg'),
        *('0003/0003C1T0001F001.jpg', '0003/0003C1T0001F002.jpg'),
        *('00-1/00-1C1T0001F001.jpg', '0000/0000C2T0004F001.jpg'),
    )
    return root


def test_tracklets_share_no_frames(train):
    reading = MARSReader().read(train)
    assert rows_of(reading.table) == [
        ('cam1', 10001, 0, '0001/0001C1T0001F001.jpg'),
        ('cam1', 10001, 2, '0001/0001C1T0001F003.jpg'),
        ('cam1', 10002, 4, '0001/0001C1T0002F001.jpg'),
        ('cam1', 30001, 6, '0003/0003C1T0001F001.jpg'),
        ('cam1', 30001, 7, '0003/0003C1T0001F002.jpg'),
        ('cam2', 4, 0, '0000/0000C2T0004F001.jpg'),
        ('cam2', 10001, 2, '0001/0001C2T0001F001.jpg'),
    ]
    # distractors are many identities
    assert reading.truth.tolist() == [1, 1, 1, 3, 3, -1, 1]
    assert reading.truth.dtype == np.int32
    assert counts_of(reading.report) == {JUNK: 1}
    notes = ' '.join(reading.report.notes)
    assert '"auto" thresholds cannot be chosen' in notes
    assert '5 tracklets, published are 8,298' in notes
    assert '2 identities, published are 625' in notes


def test_junk_can_stay(train):
    reading = MARSReader(keep_junk=True).read(train)
    assert rows_of(reading.table)[5] == (
        *('cam1', 100_000_001, 9, '00-1/00-1C1T0001F001.jpg'),
    )
    assert reading.truth.tolist() == [1, 1, 1, 3, 3, -1, -1, 1]
    assert counts_of(reading.report) == {}


def test_folder_above_means_the_training_part(train):
    touch(train.parent, 'bbox_test/0002/0002C1T0001F001.jpg')
    assert len(MARSReader().read(train.parent).table) == 7
    test = MARSReader().read(train.parent / 'bbox_test')
    assert test.truth.tolist() == [2]
    assert not any('published' in note for note in test.report.notes)


def test_everything_wrong_is_counted(train):
    touch(train, '0003/0001C1T0001F009.jpg', '0003/0003C1T0001F0.jpg')
    reading = MARSReader().read(train)
    assert len(reading.table) == 7
    assert counts_of(reading.report) == {
        JUNK: 1,
        OTHER_PERSON: 1,
        WRONG_NAME: 1,
    }


def test_wrong_level(train):
    with pytest.raises(UserError, match='0 folders deep and not 1'):
        MARSReader().read(train / '0001')
