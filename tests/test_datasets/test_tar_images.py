import io
import json
import os
import pickle
import shutil
import signal
import tarfile
import time

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmcion.datasets import UnreadableImageError, open_images
from mmcion.datasets.image_reader import FolderImages, image_entry
from mmcion.datasets.tar_images import (
    TarImages,
    _hash,
    tar_members,
    write_index,
)
from mmcion.utils.checks import UserError
from mmcion.utils.checksums import write_checksums

LONG = 'sub/' + 'ü' * 120 + '.jpg'
SHARDS = {
    'a.tar': {'a.jpg': b'first', LONG: b's' * 700, 'empty': b''},
    'b.tar': {'./é 行人.jpg': b'third' * 200},
}
VALUES = {
    name.removeprefix('./'): value
    for values in SHARDS.values()
    for name, value in values.items()
}


def write_tar(file, values, tar_format=tarfile.GNU_FORMAT):
    with tarfile.open(file, 'w', format=tar_format) as tar:
        folder = tarfile.TarInfo('folder')
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, value in values.items():
            member = tarfile.TarInfo(name)
            member.size = len(value)
            tar.addfile(member, io.BytesIO(value))


def index(root):
    files = sorted(root.glob('*.tar'))
    return write_index(root, [(f.name, *tar_members(f)) for f in files])


@pytest.fixture(params=[tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def root(request, tmp_path):
    (tmp_path / 'packed').mkdir()
    for file, values in SHARDS.items():
        write_tar(tmp_path / 'packed' / file, values, request.param)
    index(tmp_path / 'packed')
    return tmp_path / 'packed'


def test_content_by_name(root):
    images = open_images(root)
    assert isinstance(images, TarImages)
    assert {name: images.read(name) for name in VALUES} == VALUES
    assert image_entry(images, 'a.jpg') == {
        'img_path': str(root / 'a.jpg'),
        'img_bytes': b'first',
    }


@pytest.mark.parametrize('name', ['b.jpg', '', 'x' * 2000])
def test_missing_member_names_root_and_path(root, name):
    with pytest.raises(FileNotFoundError, match='has no ') as error:
        open_images(root).read(name)
    assert str(root) in str(error.value)
    assert str(error.value).endswith(name)


def test_folder_without_index_says_which_command_makes_it(root):
    shutil.rmtree(root / 'index')
    with pytest.raises(FileNotFoundError, match=r'pack_images\.py --index'):
        open_images(root)


def test_archives_beside_what_was_unpacked_are_no_shards(root):
    shutil.rmtree(root / 'index')
    (root / 'a.jpg').write_bytes(b'unpacked')
    assert isinstance(open_images(root), FolderImages)
    assert open_images(root).read('a.jpg') == b'unpacked'


def test_missing_shard(root):
    (root / 'b.tar').unlink()
    with pytest.raises(FileNotFoundError, match=r'tar file .*b\.tar'):
        open_images(root)


def test_truncated_shard(root):
    size = (root / 'b.tar').stat().st_size
    os.truncate(root / 'b.tar', size - 1)
    with pytest.raises(UserError, match=rf'{size - 1} bytes .* {size}'):
        open_images(root)


def test_other_shard_of_the_same_size(root):
    size = (root / 'b.tar').stat().st_size
    write_tar(root / 'b.tar', {'new': b'n', 'more': b'm'})
    os.truncate(root / 'b.tar', size)
    with pytest.raises(UserError, match=r'b\.tar .* 1000 bytes'):
        open_images(root).read('é 行人.jpg')


def test_shard_that_shrinks_while_it_is_open(root):
    images = open_images(root)
    os.truncate(root / 'b.tar', 1024)
    with pytest.raises(UserError, match='index them again'):
        images.read('é 行人.jpg')


def test_truncated_tar_is_not_indexed(root):
    os.truncate(root / 'b.tar', 1500)
    with pytest.raises(UserError, match=r'b\.tar'):
        tar_members(root / 'b.tar')


def test_compressed_tar_is_not_indexed(tmp_path):
    with tarfile.open(tmp_path / 'a.tar', 'w:gz'):
        pass
    with pytest.raises(UserError, match=r'a\.tar is no .*plain tar'):
        tar_members(tmp_path / 'a.tar')


def test_name_in_two_shards(root):
    shutil.copy(root / 'b.tar', root / 'c.tar')
    with pytest.raises(UserError, match=r'1 images .* one in .*b\.tar'):
        index(root)
    # the old index is still there
    assert open_images(root).read('a.jpg') == b'first'


def test_forked_process_reads_on(root):
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


@pytest.mark.parametrize('context', ['fork', 'forkserver'])
def test_workers(root, context):
    dataset = Values(root)
    expected = [dataset[row] for row in range(20)]
    loader = DataLoader(
        dataset,
        4,
        num_workers=2,
        collate_fn=list,
        multiprocessing_context=context,
    )
    assert [value for batch in loader for value in batch] == expected


def test_worker_gets_no_copy_of_the_index(root):
    images = open_images(root)
    images.read('a.jpg')
    assert len(pickle.dumps(images)) < 1000
    assert pickle.loads(pickle.dumps(images)).read('a.jpg') == b'first'


def test_millions_of_images_open_at_once(tmp_path):
    """The file on disk is the index; only its checksum is compared."""
    rows = 3_900_000
    write_tar(tmp_path / 'a.tar', {'a.jpg': b'first'})
    index(tmp_path)
    (offset,) = tar_members(tmp_path / 'a.tar')[1][:, 0]
    rng = np.random.default_rng(0)
    key = rng.integers(0, 1 << 64, rows, np.uint64, endpoint=False)
    key[0] = _hash(b'a.jpg')
    key.sort()
    columns = {
        'hash': key,
        'shard': np.zeros(rows, np.int32),
        'offset': np.full(rows, offset),
        'size': np.full(rows, 5),
    }
    for name, column in columns.items():
        np.save(tmp_path / 'index' / f'{name}.npy', column)
    header = tmp_path / 'index' / 'table.json'
    header.write_text(header.read_text().replace(': 1,', f': {rows},'))
    header.write_text(header.read_text().replace(': 1\n', f': {rows}\n'))
    files = [header.name, *(f'{name}.npy' for name in columns)]
    write_checksums(tmp_path / 'index', files)
    began = time.process_time()
    images = open_images(tmp_path)
    assert time.process_time() - began < 0.5
    assert images.read('a.jpg') == b'first'
    assert isinstance(images._hash, np.memmap)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('shards', ['../secret.tar', 'b.tar']),
        ('shards', ['/etc/passwd', 'b.tar']),
        ('shards', 'a.tar'),
        ('shards', ['a.tar']),
        ('shards', None),
        ('bytes', [1, 'two']),
        ('bytes', None),
    ],
)
def test_damaged_header_of_the_index(root, name, value):
    file = root / 'index' / 'table.json'
    header = json.loads(file.read_text())
    shutil.copy(root / 'a.tar', root.parent / 'secret.tar')
    file.write_text(json.dumps({**header, name: value}))
    with pytest.raises(UserError, match=r'shards|bytes|secret|passwd|table'):
        open_images(root)


@pytest.mark.parametrize('more', [-9000, 9000, 2**30])
@pytest.mark.parametrize('name', ['shard', 'offset', 'size'])
def test_damaged_rows_of_the_index(root, name, more):
    images = open_images(root)
    column = getattr(images, f'_{name}')
    setattr(images, f'_{name}', column + column.dtype.type(more))
    with pytest.raises(UnreadableImageError, match='index'):
        images.read('a.jpg')
