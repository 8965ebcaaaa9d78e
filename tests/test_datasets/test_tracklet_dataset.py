import numpy as np
import pytest
import torch

from mmcion.datasets import TrackletDataset
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError
from tests.tiny import write_image

from .test_image_reader import write_lmdb

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


def test_images_of_an_lmdb_are_those_of_the_folder(tmp_path):
    names = ['b.png', 'é.png', 'sub/c.png']
    for number, name in enumerate(names):
        write_image(tmp_path / 'images' / name, seed=number)
    values = {
        name: (tmp_path / 'images' / name).read_bytes() for name in names
    }
    write_lmdb(tmp_path / 'images.lmdb', values)
    make_table(names, tmp_path / 'images.lmdb').save(tmp_path / 'table')
    table = TrackletTable.load(tmp_path / 'table')

    found = TrackletDataset(table, PIPELINE)

    files = TrackletDataset(make_table(names, tmp_path / 'images'), PIPELINE)
    for row, name in enumerate(names):
        assert torch.equal(found[row]['inputs'], files[row]['inputs'])
        path = found[row]['data_samples'].img_path
        assert path == str(tmp_path / 'images.lmdb' / name)


def test_error_names_the_lmdb(tmp_path):
    write_lmdb(tmp_path / 'images.lmdb', {'a': b'no image', 'b': b''})
    dataset = TrackletDataset(
        make_table(['a', 'b', 'c'], tmp_path / 'images.lmdb'), PIPELINE
    )
    with pytest.raises(UserError, match=r'images\.lmdb/a '):
        dataset[0]
    with pytest.raises(UserError, match=r'images\.lmdb/b .*\(0 bytes'):
        dataset[1]
    with pytest.raises(FileNotFoundError, match=r'images\.lmdb has no key c'):
        dataset[2]


def test_absolute_paths_need_no_root(tmp_path):
    names = [str(tmp_path / name) for name in ('a.png', 'b.png', 'c.png')]
    for name in names:
        write_image(tmp_path / name)
    for root in (None, tmp_path / 'elsewhere'):
        dataset = TrackletDataset(make_table(names, root), PIPELINE)
        assert dataset[2]['data_samples'].img_path == names[2]


def test_table_must_have_images():
    with pytest.raises(UserError):
        TrackletDataset(make_table(), PIPELINE)
