from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.datasets import IdentityDataset, image_packing, open_images
from mmcion.datasets.image_packing import Packing, list_images, verify
from mmcion.datasets.image_reader import LmdbImages
from mmcion.datasets.tar_images import TarImages, tar_members
from mmcion.structures import AnnotationTable, TrackletTable
from tests.tiny import write_identities

SIZES = (3, 4, 2)


@pytest.fixture
def folder(tmp_path):
    return write_identities(tmp_path / 'in', SIZES)


@pytest.fixture(params=['packed', 'packed.lmdb'])
def out(request, tmp_path):
    return tmp_path / request.param


def pack(folder, out, source='annotation', shard_mb=0.004, **options):
    paths, root = list_images(folder / source)
    packing = Packing(
        paths, open_images(root), out, shard_mb=shard_mb, **options
    )
    return packing.run()


def contents(root):
    images = open_images(root)
    return [images.read(f'{row}.png') for row in range(sum(SIZES))]


def test_packed_images_are_the_source(folder, out):
    counts = pack(folder, out)
    assert counts['images'] == 9 and counts['missing'] == []
    assert contents(out) == contents(folder)
    kind = LmdbImages if out.suffix else TarImages
    assert isinstance(open_images(out), kind)
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


def test_stopped_run_goes_on(folder, out, monkeypatch):
    monkeypatch.setattr(image_packing, '_AHEAD', 2)
    monkeypatch.setattr(image_packing, '_LMDB_ROWS', 2)
    paths, _ = list_images(folder / 'annotation')
    options = {'shard_mb': 0.004, 'num_threads': 1}
    with pytest.raises(Stop):
        Packing(paths, StoppingReader(folder, '6.png'), out, **options).run()
    assert not (out / 'data.mdb').exists() and not (out / 'index').exists()
    assert not list(out.glob('*.tmp'))
    again = StoppingReader(folder, None)
    assert Packing(paths, again, out, **options).run()['images'] == 9
    assert '0.png' not in again.reads and '8.png' in again.reads
    assert contents(out) == contents(folder)


def test_run_that_is_stopped_at_its_end_goes_on(folder, out, monkeypatch):
    def stop(*arguments):
        raise Stop

    (folder / '5.png').unlink()
    with monkeypatch.context() as patch:
        patch.setattr(image_packing, 'shutil', SimpleNamespace(rmtree=stop))
        with pytest.raises(Stop):
            pack(folder, out, max_missing=1)
    counts = pack(folder, out, max_missing=1)
    assert counts['images'] == 8 and counts['missing'] == ['5.png']
    assert open_images(out).read('8.png') == (folder / '8.png').read_bytes()


def test_unfinished_tar_files_are_no_image_root(folder, tmp_path):
    paths, _ = list_images(folder / 'annotation')
    reader = StoppingReader(folder, '8.png')
    with pytest.raises(Stop):
        Packing(paths, reader, tmp_path / 'out', shard_mb=0.004).run()
    with pytest.raises(FileNotFoundError, match='let the same command go on'):
        open_images(tmp_path / 'out')


def test_stopped_run_gives_the_same_bytes(folder, tmp_path):
    paths, _ = list_images(folder / 'annotation')
    stopped, whole = tmp_path / 'stopped', tmp_path / 'whole'
    with pytest.raises(Stop):
        Packing(
            paths, StoppingReader(folder, '8.png'), stopped, shard_mb=0.004
        ).run()
    pack(folder, stopped)
    pack(folder, whole)
    for file in whole.rglob('*.*'):
        if file.is_file():
            other = stopped / file.relative_to(whole)
            assert other.read_bytes() == file.read_bytes()


def test_other_images_do_not_continue_a_stopped_run(folder, out):
    paths, _ = list_images(folder / 'annotation')
    reader = StoppingReader(folder, '8.png')
    with pytest.raises(Stop):
        Packing(paths, reader, out).run()
    with pytest.raises(ValueError, match='begun with other images'):
        Packing(paths[:-1], reader, out)
    with pytest.raises(ValueError, match='begun with other images'):
        Packing(paths, reader, out, shard_mb=3)


def test_nothing_is_overwritten(folder, out):
    pack(folder, out)
    with pytest.raises(ValueError, match='is not empty'):
        pack(folder, out)


def test_missing_and_empty_images_are_an_error(folder, out):
    (folder / '3.png').unlink()
    (folder / '5.png').write_bytes(b'')
    with pytest.raises(ValueError, match=r'1 images are missing .* 3\.png'):
        pack(folder, out)
    counts = pack(folder, out, max_missing=2)
    assert counts['missing'] == ['3.png', '5.png']
    assert counts['images'] == 7
    with pytest.raises(FileNotFoundError):
        open_images(out).read('3.png')


def test_unreadable_root_is_no_missing_image(folder, out):
    class Denied:
        def read(self, path):
            raise PermissionError(path)

    paths, _ = list_images(folder / 'annotation')
    with pytest.raises(PermissionError):
        Packing(paths, Denied(), out, max_missing=9).run()


def test_left_over_of_a_killed_run_is_removed(folder, tmp_path):
    with pytest.raises(Stop):
        paths, _ = list_images(folder / 'annotation')
        Packing(paths, StoppingReader(folder, '8.png'), tmp_path / 'o').run()
    (tmp_path / 'o' / '.images-00000.tar.1234.tmp').write_bytes(b'part')
    (tmp_path / 'o' / '.index.1234.tmp').mkdir()
    pack(folder, tmp_path / 'o', shard_mb=1024)
    assert not list((tmp_path / 'o').glob('.*'))


def test_path_that_is_too_long_for_an_lmdb(tmp_path):
    paths = np.array([b'x' * 600])
    with pytest.raises(ValueError, match='511 bytes'):
        Packing(paths, open_images(tmp_path), tmp_path / 'o.lmdb').run()


def test_verify_notices_a_changed_image(folder, out):
    pack(folder, out)
    paths, root = list_images(folder / 'annotation')
    images = open_images(root)
    assert verify(paths, images, out, missing=['4.png']) == 8
    assert verify(paths, images, out, num_images=3) == 3
    (folder / '8.png').write_bytes(b'changed')
    with pytest.raises(ValueError, match=r'8\.png differs'):
        verify(paths, images, out, num_images=3)


def test_list_of_a_folder_is_sorted(folder):
    (folder / 'sub').mkdir()
    (folder / 'sub' / 'a.JPG').write_bytes(b'x')
    (folder / 'notes.txt').write_bytes(b'x')
    paths, root = list_images(folder)
    names = [f'{row}.png' for row in range(9)] + ['sub/a.JPG']
    assert [path.decode() for path in paths] == names
    assert root == folder


def test_list_of_an_annotation_has_every_path_once(folder):
    names = ['b', 'a', 'b', 'c', 'a']
    AnnotationTable(names, np.arange(5)).save(folder / 'twice')
    paths, root = list_images(folder / 'twice')
    assert paths.tolist() == [b'b', b'a', b'c']
    assert root == folder
    assert list_images(folder / 'twice', 'other')[1].name == 'other'


def test_list_of_a_tracklet_table(folder):
    zeros = np.zeros(2, np.int64)
    columns = {'video_id': zeros, 'tracklet_id': zeros, 'frame': [0, 1]}
    TrackletTable.from_columns(
        **columns, path=['1.png', '0.png'], image_root=folder
    ).save(folder / 'table')
    paths, root = list_images(folder / 'table')
    assert paths.tolist() == [b'1.png', b'0.png']
    assert root == folder


def test_folder_without_images(tmp_path):
    with pytest.raises(ValueError, match='has no images'):
        list_images(tmp_path)
