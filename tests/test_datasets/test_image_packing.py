import os
import re
from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.datasets import IdentityDataset, image_packing, open_images
from mmcion.datasets.image_packing import (
    compare_packed,
    images_to_pack,
    pack_images,
)
from mmcion.datasets.tar_images import TarImages, tar_members
from mmcion.structures import AnnotationTable, TrackletTable
from mmcion.utils.checks import UserError
from tests.tiny import write_identities

from ..test_utils.test_image_file import KINDS, make_unreadable

SIZES = (3, 4, 2)


@pytest.fixture
def folder(tmp_path):
    return write_identities(tmp_path / 'in', SIZES)


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'packed'


def pack(folder, out, source='annotation', reader=None, **options):
    paths, root = images_to_pack(folder / source)
    options = {'shard_mb': 0.004, **options}
    return pack_images(paths, reader or open_images(root), out, **options)


def contents(root):
    images = open_images(root)
    return [images.read(f'{row}.png') for row in range(sum(SIZES))]


def test_packed_images_are_the_source(folder, out):
    counts = pack(folder, out)
    assert counts['images'] == 9 and counts['missing'] == []
    assert contents(out) == contents(folder)
    assert isinstance(open_images(out), TarImages)
    assert not (out / '.packing').exists()


def test_annotation_works_unchanged(folder, out):
    pack(folder, out)
    pipeline = [{'type': 'mmcion.LoadImage'}]
    was, now = (
        IdentityDataset(folder / 'annotation', root, pipeline)
        for root in (folder, out)
    )
    for row in range(len(was)):
        assert (now[row]['img'] == was[row]['img']).all()


def test_tar_files_have_the_size_and_the_order(folder, tmp_path):
    pack(folder, tmp_path / 'out')
    files = sorted((tmp_path / 'out').glob('*.tar'))
    members = [tar_members(file) for file in files]
    assert len(files) > 2
    names = [name for names, _ in members for name in names]
    assert names == [f'{row}.png' for row in range(9)]
    for _, places in members[:-1]:
        padded = 512 * (-(-places[:, 1] // 512) + 1)
        assert padded[:-1].sum() < 4000 <= padded.sum()


def test_places_are_those_of_the_tar_file_itself(tmp_path):
    name = 'ü' * 150 + '.png'
    (tmp_path / 'in').mkdir()
    (tmp_path / 'in' / f'{"x" * 120}.png').write_bytes(b'x' * 1024)
    (tmp_path / 'in' / f'{name[-100:]}').write_bytes(b'first')
    pack(tmp_path, tmp_path / 'out', 'in')
    images = open_images(tmp_path / 'out')
    assert images.read(name[-100:]) == b'first'
    assert images.read(f'{"x" * 120}.png') == b'x' * 1024


class Stop(Exception):
    pass


class StoppingReader:
    def __init__(self, folder, path):
        self.images, self.path, self.reads = open_images(folder), path, []

    def read(self, path):
        self.reads.append(path)
        if path == self.path:
            raise Stop
        return self.images.read(path)


def stopped_at(path, folder, out, **options):
    """Pack until a path stops the reader."""
    reader = StoppingReader(folder, path)
    with pytest.raises(Stop):
        pack(folder, out, reader=reader, num_threads=1, **options)


def test_stopped_run_is_resumed(folder, out, monkeypatch):
    monkeypatch.setattr(image_packing, '_AHEAD', 2)
    stopped_at('6.png', folder, out)
    assert not (out / 'index').exists() and not list(out.glob('*.tmp'))
    again = StoppingReader(folder, None)
    assert pack(folder, out, reader=again)['images'] == 9
    assert '0.png' not in again.reads and '8.png' in again.reads
    assert contents(out) == contents(folder)


def test_run_stopped_at_its_end_is_resumed(folder, out, monkeypatch):
    def stop(*_, **__):
        raise Stop

    (folder / '5.png').unlink()
    with monkeypatch.context() as patch:
        patch.setattr(image_packing, 'shutil', SimpleNamespace(rmtree=stop))
        with pytest.raises(Stop):
            pack(folder, out, max_missing=1)
    counts = pack(folder, out, max_missing=1)
    assert counts['images'] == 8 and counts['missing'] == ['5.png']
    assert open_images(out).read('8.png') == (folder / '8.png').read_bytes()


def test_tar_file_of_a_killed_run_is_written_again(folder, out):
    stopped_at('8.png', folder, out)
    next((out / '.packing').glob('*00001.tar.json')).unlink()
    pack(folder, out)
    assert contents(out) == contents(folder)


def test_unfinished_tar_files_are_no_image_root(folder, tmp_path):
    stopped_at('8.png', folder, tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match='Resume packing'):
        open_images(tmp_path / 'out')


def test_stopped_run_gives_the_same_bytes(folder, tmp_path):
    stopped, whole = tmp_path / 'stopped', tmp_path / 'whole'
    stopped_at('8.png', folder, stopped)
    pack(folder, stopped)
    pack(folder, whole)
    for file in whole.rglob('*.*'):
        if file.is_file():
            other = stopped / file.relative_to(whole)
            assert other.read_bytes() == file.read_bytes()


def test_other_images_do_not_continue_a_stopped_run(folder, out):
    stopped_at('8.png', folder, out)
    with pytest.raises(UserError, match=r'shard_bytes was 4000, is 3000000'):
        pack(folder, out, shard_mb=3)
    AnnotationTable(['0.png'], [0]).save(folder / 'other')
    with pytest.raises(UserError, match=r'inputs\.paths'):
        pack(folder, out, 'other')
    assert pack(folder, out, 'other', overwrite=True)['images'] == 1


def test_packed_images_are_not_packed_again(folder, out):
    counts = pack(folder, out)
    again = StoppingReader(folder, None)
    assert pack(folder, out, reader=again) == counts
    assert not again.reads


def test_missing_and_empty_images_are_an_error(folder, out):
    (folder / '3.png').unlink()
    (folder / '5.png').write_bytes(b'')
    with pytest.raises(UserError, match=r'3\.png.* --max-missing'):
        pack(folder, out)
    counts = pack(folder, out, max_missing=2)
    assert counts['missing'] == ['3.png', '5.png']
    assert counts['images'] == 7
    with pytest.raises(FileNotFoundError):
        open_images(out).read('3.png')


def test_missing_images_of_a_stopped_run_count(folder, out):
    (folder / '0.png').unlink()
    stopped_at('8.png', folder, out, max_missing=1)
    with pytest.raises(UserError, match=r'0\.png'):
        pack(folder, out)
    (folder / '8.png').write_bytes(b'')
    with pytest.raises(UserError, match=r'0\.png, 8\.png'):
        pack(folder, out, max_missing=1)
    missing = pack(folder, out, max_missing=2)['missing']
    assert missing == ['0.png', '8.png']


@pytest.mark.parametrize('kind', sorted({*KINDS} - {'huge', 'text'}))
def test_whatever_cannot_be_read_is_counted(folder, out, kind):
    (folder / '5.png').unlink()
    make_unreadable(folder / '5.png', kind)
    with pytest.raises(UserError, match=r'5\.png.* --max-missing'):
        pack(folder, out)
    counts = pack(folder, out, max_missing=1)
    assert (counts['images'], counts['missing']) == (8, ['5.png'])


@pytest.mark.parametrize('name', ['../secret', '/etc/passwd', 'a/../../b'])
def test_names_outside_of_the_root_are_not_packed(tmp_path, name):
    (tmp_path / 'secret').write_bytes(b'secret')
    (tmp_path / 'in').mkdir()
    AnnotationTable([name], [0]).save(tmp_path / 'in' / 'annotation')
    with pytest.raises(UserError, match=re.escape(name)):
        images_to_pack(tmp_path / 'in' / 'annotation')


def test_names_that_are_not_utf8(folder, out):
    os.rename(folder / '5.png', os.fsencode(folder / 'caf') + b'\xe9.png')
    paths, root = images_to_pack(folder)
    assert b'caf\xe9.png' in paths
    counts = pack_images(paths, open_images(root), out)
    assert counts['images'] == 9
    assert compare_packed(paths, open_images(root), out) == 9


@pytest.mark.parametrize('module', ['write_index', 'write_json'])
def test_killed_while_it_ends(folder, out, monkeypatch, module):
    done = getattr(image_packing, module)

    def stop(path, *arguments):
        done(path, *arguments)
        if module == 'write_index' or path.name == 'packed.json':
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(image_packing, module, stop)
        with pytest.raises(Stop):
            pack(folder, out)
    again = StoppingReader(folder, None)
    assert pack(folder, out, reader=again)['images'] == 9
    assert not again.reads
    assert not (out / '.packing').exists()
    assert contents(out) == contents(folder)


def test_verify_notices_a_changed_image(folder, out):
    pack(folder, out)
    paths, root = images_to_pack(folder / 'annotation')
    images = open_images(root)
    assert compare_packed(paths, images, out, missing=['4.png']) == 8
    assert compare_packed(paths, images, out, num_images=3) == 3
    (folder / '8.png').write_bytes(b'changed')
    with pytest.raises(UserError, match=r'8\.png .* differs'):
        compare_packed(paths, images, out, num_images=3)


def test_list_of_a_folder_is_sorted(folder):
    (folder / 'sub').mkdir()
    (folder / 'sub' / 'a.JPG').write_bytes(b'x')
    (folder / 'notes.txt').write_bytes(b'x')
    paths, root = images_to_pack(folder)
    names = [f'{row}.png' for row in range(9)] + ['sub/a.JPG']
    assert [path.decode() for path in paths] == names
    assert root == folder


def test_list_of_an_annotation_has_every_path_once(folder):
    names = ['b', 'a', 'b', 'c', 'a']
    AnnotationTable(names, np.arange(5)).save(folder / 'twice')
    paths, root = images_to_pack(folder / 'twice')
    assert paths.tolist() == [b'b', b'a', b'c']
    assert root == folder
    assert images_to_pack(folder / 'twice', 'other')[1].name == 'other'


def test_list_of_a_tracklet_table(folder):
    zeros = np.zeros(2, np.int64)
    columns = {'video_id': zeros, 'tracklet_id': zeros, 'frame': [0, 1]}
    TrackletTable.from_columns(
        **columns, path=['1.png', '0.png'], image_root=folder
    ).save(folder / 'table')
    paths, root = images_to_pack(folder / 'table')
    assert paths.tolist() == [b'1.png', b'0.png']
    assert root == folder


def test_folder_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        images_to_pack(tmp_path)
