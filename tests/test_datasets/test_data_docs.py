"""The examples of docs/data.md run."""

import pytest

from mmcion.registry import DATASETS
from mmcion.structures import TrackletTable

from ..page_utils import read_blocks
from .test_tracklet_readers.trees import rows_of, touch

EXAMPLES = read_blocks('docs/data.md', 'python')


@pytest.fixture
def run_example(tmp_path, monkeypatch):
    """Return a function that runs the example with a word in it."""
    monkeypatch.chdir(tmp_path)

    def run(word):
        (example,) = [each for each in EXAMPLES if word in each.text]
        exec(example.text, {})
        return tmp_path

    return run


def test_table_of_your_own_crops(run_example):
    folder = run_example('from_columns')
    assert len(TrackletTable.load(folder / 'my_table')) == 3


def test_own_evaluation_set(run_example, tmp_path):
    touch(tmp_path, 'query/7_c2_1.jpg', 'gallery/7_c1_1.jpg')
    run_example('class Shop(')
    dataset = DATASETS.build({'type': 'Shop', 'data_root': str(tmp_path)})
    assert dataset.pids.tolist() == [7, 7]
    assert dataset.cam_ids.tolist() == [2, 1]


def test_own_tracklets(run_example, tmp_path):
    touch(tmp_path / 'data' / 'shop_videos', 'a/012_000340.jpg', 'a/x.jpg')
    folder = run_example('class ShopReader(')
    table = TrackletTable.load(folder / 'work_dirs' / 'shop' / 'table')
    assert rows_of(table) == [('a', 12, 340, 'a/012_000340.jpg')]
