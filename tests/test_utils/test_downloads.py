import hashlib
import io
import tarfile

import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.downloads import (
    KNOWN_FILES,
    DownloadError,
    KnownFile,
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


def write_archive(path, member):
    with tarfile.open(path, 'w:gz') as archive:
        for name, content in (('p-1/other', b'x' * 99), (member, CONTENT)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path.as_uri()


def test_cache_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / 'cache'
    monkeypatch.delenv('MMCION_CACHE')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert cache_folder() == tmp_path / 'xdg' / 'mmcion'


def test_wrong_bytes_are_rejected_and_the_next_source_is_tried(
    tmp_path, cache
):
    wrong = write(tmp_path / 'wrong', b'an error page')
    right = write(tmp_path / 'right')
    known = KnownFile(SHA256, (wrong, right))

    path = fetch_file('a.bin', known)

    assert path == cache / 'a.bin'
    assert path.read_bytes() == CONTENT
    (tmp_path / 'right').unlink()
    assert fetch_file('a.bin', known) == path  # from the cache


def test_damaged_cache_is_fetched_again(tmp_path, cache):
    cache.mkdir()
    (cache / 'a.bin').write_bytes(CONTENT[:-1])
    known = KnownFile(SHA256, (write(tmp_path / 'right'),))

    assert fetch_file('a.bin', known).read_bytes() == CONTENT


@pytest.mark.parametrize('suffix', ['.tar.gz', '.tgz'])
def test_file_inside_an_archive(tmp_path, suffix):
    url = write_archive(tmp_path / f'p-1{suffix}', 'p-1/data/a.bin')
    known = KnownFile(SHA256, (f'{url}#p-1/data/a.bin',))

    assert fetch_file('a.bin', known).read_bytes() == CONTENT


def test_error_lists_all_sources_and_what_to_do(tmp_path, cache):
    archive = tmp_path / 'p-1.tar.gz'
    cut = tmp_path / 'cut.tar.gz'
    urls = (
        write(tmp_path / 'wrong', b'an error page'),
        (tmp_path / 'none').as_uri(),
        write_archive(archive, 'p-1/a.bin') + '#p-1/b.bin',
        write(cut, archive.read_bytes()[:-80]) + '#p-1/a.bin',
        write(tmp_path / 'page.tar.gz', b'an error page') + '#p-1/a.bin',
    )

    with pytest.raises(DownloadError) as caught:
        fetch_file('a.bin', KnownFile(SHA256, urls))

    message = str(caught.value)
    assert all(url in message for url in urls)
    assert hashlib.sha256(b'an error page').hexdigest() in message
    assert 'no file p-1/b.bin' in message
    assert f'SHA-256 {SHA256} as {cache / "a.bin"}' in message
    assert not list(cache.iterdir())


def test_unknown_name():
    with pytest.raises(UserError, match=r'nothing\.bin'):
        fetch_file('nothing.bin')


def test_known_files_have_a_hash_and_two_hosts():
    for known in KNOWN_FILES.values():
        assert len(bytes.fromhex(known.sha256)) == 32
        hosts = {url.split('/')[2] for url in known.urls}
        assert len(hosts) == len(known.urls) == 2
