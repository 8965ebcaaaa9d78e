import hashlib
import io
import sys
import tarfile
import zipfile

import pytest

from mmcion.utils import downloads
from mmcion.utils.downloads import (
    DownloadError,
    KnownFile,
    Source,
    cache_folder,
    fetch_file,
)

CONTENT = b'weights' * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('MMCION_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def url_source(path):
    return Source('url', path.as_uri())


def make_tar(path, member):
    with tarfile.open(path, 'w:gz') as archive:
        info = tarfile.TarInfo(member)
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))


def test_cache_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / 'cache'
    monkeypatch.delenv('MMCION_CACHE')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert cache_folder() == tmp_path / 'xdg' / 'mmcion'


def test_wrong_bytes_are_refused_and_the_next_source_is_tried(tmp_path, cache):
    wrong, right = tmp_path / 'wrong', tmp_path / 'right'
    wrong.write_bytes(b'an error page')
    right.write_bytes(CONTENT)
    known = KnownFile(SHA256, (url_source(wrong), url_source(right)))

    path = fetch_file('a.bin', known)

    assert path == cache / 'a.bin'
    assert path.read_bytes() == CONTENT
    right.unlink()
    assert fetch_file('a.bin', known) == path  # from the cache


def test_damaged_cache_is_fetched_again(tmp_path, cache):
    cache.mkdir()
    (cache / 'a.bin').write_bytes(CONTENT[:-1])
    (tmp_path / 'right').write_bytes(CONTENT)
    known = KnownFile(SHA256, (url_source(tmp_path / 'right'),))

    assert fetch_file('a.bin', known).read_bytes() == CONTENT


def test_error_lists_all_sources_and_the_remedy(tmp_path, cache):
    wrong = tmp_path / 'wrong'
    wrong.write_bytes(b'an error page')
    known = KnownFile(
        SHA256,
        (
            url_source(wrong),
            url_source(tmp_path / 'none'),
            Source('npm', 'nothing@1', 'a.bin'),
        ),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PATH', '')
        with pytest.raises(DownloadError) as caught:
            fetch_file('a.bin', known)

    message = str(caught.value)
    assert 'refused, its SHA-256 is' in message
    assert 'none' in message
    assert 'npm is not installed' in message
    assert f'SHA-256 {SHA256} as {cache / "a.bin"}' in message
    assert not list(cache.iterdir())


def test_unknown_name():
    with pytest.raises(ValueError, match=r'known are.*vtest\.avi'):
        fetch_file('nothing.bin')


def fake_run(make):
    """Stand in for a package tool: put a package in the folder."""

    def run(command, folder, out=None):
        run.command = command
        make(folder)

    return run


def test_member_of_a_source_archive(monkeypatch):
    run = fake_run(
        lambda folder: make_tar(folder / 'p-1.tar.gz', 'p-1/data/a.bin')
    )
    monkeypatch.setattr(downloads, '_run', run)
    source = Source('pip', 'p==1', 'data/a.bin', 'ab' * 32, archive=True)

    path = fetch_file('a.bin', KnownFile(SHA256, (source,)))

    assert path.read_bytes() == CONTENT
    assert run.command[:4] == [sys.executable, '-m', 'pip', 'download']
    assert run.command[run.command.index('--no-binary') + 1] == 'p'


def test_member_of_a_wheel(monkeypatch):
    def make(folder):
        with zipfile.ZipFile(folder / 'p-1-py3-none-any.whl', 'w') as archive:
            archive.writestr('p/a.bin', CONTENT)

    monkeypatch.setattr(downloads, '_run', fake_run(make))
    source = Source('pip', 'p==1', 'a.bin', 'ab' * 32)

    path = fetch_file('a.bin', KnownFile(SHA256, (source,)))

    assert path.read_bytes() == CONTENT


def test_member_of_an_npm_package(monkeypatch):
    run = fake_run(
        lambda folder: make_tar(folder / 'p-1.tgz', 'package/assets/a.bin')
    )
    monkeypatch.setattr(downloads, '_run', run)
    source = Source('npm', 'p@1', 'assets/a.bin')

    path = fetch_file('a.bin', KnownFile(SHA256, (source,)))

    assert path.read_bytes() == CONTENT
    assert run.command[:2] == ['npm', 'pack']


def test_package_without_the_member(monkeypatch):
    run = fake_run(lambda folder: make_tar(folder / 'p.tgz', 'package/other'))
    monkeypatch.setattr(downloads, '_run', run)
    source = Source('npm', 'p@1', 'a.bin')

    with pytest.raises(DownloadError, match=r'no file a\.bin'):
        fetch_file('a.bin', KnownFile(SHA256, (source,)))


def test_failed_command_says_why(tmp_path):
    code = 'import sys; print("no route", file=sys.stderr); sys.exit(3)'

    with pytest.raises(OSError, match=r'exit 3: no route'):
        downloads._run([sys.executable, '-c', code], tmp_path)
