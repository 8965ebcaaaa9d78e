import shutil

import pytest

from mmcion.datasets import open_images
from mmcion.utils.checksums import CHECKSUMS
from tests.tiny import write_identities

from ..tool_utils import run_tool

TOOL = 'dataset_converters/pack_images.py'


def same_images(folder, packed, count):
    names = [f'{row}.png' for row in range(count)]
    was, now = open_images(folder), open_images(packed)
    return all(was.read(name) == now.read(name) for name in names)


def test_annotation_to_tar_files_and_a_new_index(tmp_path):
    write_identities(tmp_path / 'in', (3, 4))
    done = run_tool(
        *(TOOL, 'in/annotation', '--out', 'out', '--shard-mb', '0.004'),
        *('--shuffle', '1'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    files = len(list((tmp_path / 'out').glob('*.tar')))
    assert f'out: 7 images, {files} tar files' in done.stdout
    assert '7 images read back' in done.stdout
    assert same_images(tmp_path / 'in', tmp_path / 'out', 7)
    shutil.rmtree(tmp_path / 'out' / 'index')
    checksums = (tmp_path / 'out' / CHECKSUMS).read_bytes()
    done = run_tool(TOOL, '--index', 'out', cwd=tmp_path)
    assert (tmp_path / 'out' / CHECKSUMS).read_bytes() == checksums
    assert done.returncode == 0, done.stderr
    assert f'7 images in {files} tar files' in done.stdout
    assert same_images(tmp_path / 'in', tmp_path / 'out', 7)


@pytest.mark.slow
def test_folder_with_a_missing_image(tmp_path):
    write_identities(tmp_path / 'in', (3, 4))
    (tmp_path / 'in' / '6.png').write_bytes(b'')
    command = (TOOL, 'in', '--out', 'out')
    done = run_tool(*command, cwd=tmp_path)
    assert done.returncode == 1
    assert '--max-missing' in done.stderr and '6.png' in done.stderr
    done = run_tool(*command, '--max-missing', '1', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '1 missing or unreadable, such as 6.png' in done.stdout
    assert same_images(tmp_path / 'in', tmp_path / 'out', 6)


def test_what_to_do_must_be_said(tmp_path):
    done = run_tool(TOOL, 'in', cwd=tmp_path)
    assert done.returncode == 2
    assert 'give SOURCE and --out' in done.stderr
