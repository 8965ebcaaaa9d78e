import os
import pickle
import signal
import sys

import lmdb
import pytest
from torch.utils.data import DataLoader

from mmcion.datasets import open_images
from mmcion.datasets.image_reader import FolderImages, LmdbImages, image_entry

VALUES = {'a.jpg': b'first', 'sub/é 行人.jpg': b'second'}


def write_lmdb(root, values, subdir=True):
    environment = lmdb.open(str(root), subdir=subdir, map_size=1 << 22)
    with environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)


@pytest.fixture(params=['folder', 'named folder', 'file'])
def root(request, tmp_path):
    name = 'images' if request.param == 'folder' else 'images.lmdb'
    write_lmdb(tmp_path / name, VALUES, subdir=request.param != 'file')
    return tmp_path / name


def test_values_by_key(root):
    images = open_images(root)
    assert isinstance(images, LmdbImages)
    assert {key: images.read(key) for key in VALUES} == VALUES
    assert image_entry(images, 'a.jpg') == {
        'img_path': str(root / 'a.jpg'),
        'img_bytes': b'first',
    }


@pytest.mark.parametrize('key', ['b.jpg', '', 'x' * 2000])
def test_missing_key_names_root_and_key(root, key):
    with pytest.raises(FileNotFoundError, match='has no key') as error:
        open_images(root).read(key)
    assert str(root) in str(error.value)
    assert str(error.value).endswith(key)


def test_opening_twice_in_a_process(root, tmp_path):
    (tmp_path / 'link').symlink_to(root)
    for again in (root, str(root), tmp_path / 'link'):
        assert open_images(again).read('a.jpg') == b'first'


def test_forked_process_opens_its_own(root):
    images = open_images(root)
    images.read('a.jpg')
    child = os.fork()
    if not child:
        signal.alarm(20)
        good = all(images.read(key) == VALUES[key] for key in VALUES)
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert images.read('a.jpg') == b'first'


class Values:
    def __init__(self, root):
        self.images = open_images(root)

    def __len__(self):
        return 20

    def __getitem__(self, row):
        return self.images.read(list(VALUES)[row % 2])


def read_in_workers(root, context):
    dataset = Values(root)
    assert dataset[0] == b'first'  # open in the parent too
    loader = DataLoader(
        dataset,
        4,
        num_workers=2,
        collate_fn=list,
        multiprocessing_context=context,
    )
    return [value for batch in loader for value in batch]


def test_forked_workers(root):
    assert read_in_workers(root, 'fork') == [b'first', b'second'] * 10


def test_workers_that_get_a_pickled_reader(tmp_path):
    write_lmdb(tmp_path / 'images', VALUES)
    found = read_in_workers(tmp_path / 'images', 'forkserver')
    assert found == [b'first', b'second'] * 10


def test_it_is_opened_at_the_first_read_only(root):
    images = open_images(root)
    data = root if root.is_file() else root / 'data.mdb'
    data.write_bytes(b'junk' * 5000)
    images = pickle.loads(pickle.dumps(images))
    with pytest.raises(ValueError, match='is not a readable LMDB') as error:
        images.read('a.jpg')
    assert str(root) in str(error.value)


def test_truncated_file_is_an_error_and_no_crash(tmp_path):
    write_lmdb(tmp_path / 'db', {'a.jpg': b'x' * 200_000})
    data = tmp_path / 'db' / 'data.mdb'
    size = data.stat().st_size
    data.write_bytes(data.read_bytes()[: size // 2])
    with pytest.raises(ValueError, match=rf'truncated: {size // 2} bytes of'):
        open_images(tmp_path / 'db').read('a.jpg')


def test_reading_writes_nothing(root):
    folder = root.parent
    before = sorted(path for path in folder.rglob('*'))
    open_images(root).read('a.jpg')
    assert sorted(path for path in folder.rglob('*')) == before


def test_absent_lmdb(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'LMDB .*x\.lmdb'):
        open_images(tmp_path / 'x.lmdb')


def test_package_is_named_where_it_is_missing(root, monkeypatch):
    monkeypatch.setitem(sys.modules, 'lmdb', None)
    with pytest.raises(ImportError, match='pip install lmdb'):
        open_images(root).read('a.jpg')


def test_folder_of_files(tmp_path):
    (tmp_path / 'é.jpg').write_bytes(b'first')
    images = open_images(tmp_path)
    assert isinstance(images, FolderImages)
    assert images.read('é.jpg') == b'first'
    assert image_entry(images, 'é.jpg') == {
        'img_path': str(tmp_path / 'é.jpg')
    }
    assert open_images(None).read(str(tmp_path / 'é.jpg')) == b'first'
    with pytest.raises(FileNotFoundError, match=r'b\.jpg'):
        images.read('b.jpg')
