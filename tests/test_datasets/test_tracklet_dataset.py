import numpy as np
import pytest

from mmcion.datasets import TrackletDataset
from mmcion.structures import TrackletTable
from tests.tiny import write_image

PIPELINE = [
    {'type': 'mmcion.LoadImage'},
    {'type': 'mmcion.PackReIDInputs'},
]


def make_table(path=None, image_root=None):
    zeros = np.zeros(3, int)
    return TrackletTable.from_columns(
        video_id=zeros,
        tracklet_id=zeros,
        frame=np.arange(3),
        path=path,
        image_root=image_root,
    )


def test_images_come_in_row_order(tmp_path):
    names = ['b.png', 'a.png', 'sub/c.png']
    for number, name in enumerate(names):
        write_image(tmp_path / name, size=(10 + number, 5))
    dataset = TrackletDataset(make_table(names, tmp_path), PIPELINE)
    items = [dataset[row] for row in range(len(dataset))]
    assert [item['inputs'].shape[1] for item in items] == [10, 11, 12]
    paths = [item['data_samples'].img_path for item in items]
    assert paths == [str(tmp_path / name) for name in names]


def test_table_must_have_images():
    with pytest.raises(ValueError, match='a table with image paths'):
        TrackletDataset(make_table(), PIPELINE)
