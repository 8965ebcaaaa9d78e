import errno
import os
import pickle
import struct
import zlib

import cv2
import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.image_file import (
    MissingImageError,
    UnreadableImageError,
    decode_image,
    read_image_file,
)


def chunk(kind, data):
    checksum = struct.pack('>I', zlib.crc32(kind + data))
    return struct.pack('>I', len(data)) + kind + data + checksum


def huge_png(width=60_000, height=60_000):
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + chunk(b'IDAT', zlib.compress(b'0' * 99))
        + chunk(b'IEND', b'')
    )


def png(*shape):
    return cv2.imencode('.png', np.full(shape, 255, np.uint8))[1].tobytes()


def make_unreadable(path, kind):
    """Make what no image can be read from."""
    if kind == 'loop':
        path.symlink_to(path.name)
    elif kind == 'folder':
        path.mkdir()
    elif kind == 'pipe':
        os.mkfifo(path)
    elif kind == 'device':
        path.symlink_to('/dev/zero')
    elif kind == 'huge':
        path.write_bytes(huge_png())
    elif kind == 'text':
        path.write_bytes(b'no image')
    else:
        assert kind == 'missing'


KINDS = ['loop', 'folder', 'pipe', 'device', 'huge', 'text', 'missing']


def test_content_of_a_file(tmp_path):
    (tmp_path / 'a').write_bytes(b'abc')
    (tmp_path / 'link').symlink_to('a')
    assert read_image_file(tmp_path / 'a') == b'abc'
    assert read_image_file(str(tmp_path / 'link')) == b'abc'


@pytest.mark.parametrize('kind', KINDS)
def test_every_failure_is_one_exception_that_names_the_file(tmp_path, kind):
    path = tmp_path / f'{kind}.jpg'
    make_unreadable(path, kind)
    with pytest.raises(UnreadableImageError, match=rf'{kind}\.jpg') as error:
        decode_image(read_image_file(path), path)
    assert isinstance(error.value, FileNotFoundError) == (kind == 'missing')


@pytest.mark.parametrize('name', ['a\0b', 'a' * 300])
def test_impossible_names(name):
    with pytest.raises(UnreadableImageError, match='a'):
        read_image_file(name)


@pytest.mark.parametrize('code', [errno.EIO, errno.ESTALE, errno.EACCES])
def test_errors_of_disks_are_named(tmp_path, monkeypatch, code):
    def fail(*args, **options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, 'open', fail)
    with pytest.raises(UnreadableImageError, match='a .*read'):
        read_image_file('a')


def test_names_that_are_not_utf8(tmp_path):
    path = os.fsencode(tmp_path) + b'/caf\xe9.png'
    with open(path, 'wb') as file:
        file.write(png(5, 4, 3))
    assert decode_image(read_image_file(os.fsdecode(path)), 'x').shape[0] == 5
    with pytest.raises(UnreadableImageError, match=r'caf\\xe8') as error:
        read_image_file(os.fsdecode(path.replace(b'\xe9', b'\xe8')))
    str(error.value).encode()


def test_exceptions_pass_between_processes():
    error = pickle.loads(pickle.dumps(MissingImageError('a.jpg is missing')))
    assert type(error) is MissingImageError and str(error).startswith('a.jpg')


@pytest.mark.parametrize(
    ('shape', 'value'), [((5, 4), 255), ((5, 4, 4), 255), ((5, 4, 3), 255)]
)
def test_all_kinds_become_rgb(shape, value):
    image = decode_image(png(*shape), 'a')
    assert image.shape == (5, 4, 3) and (image == value).all()


def test_16_bits_become_8():
    pixels = np.full((5, 4, 3), 0x80FF, np.uint16)
    image = decode_image(cv2.imencode('.png', pixels)[1].tobytes(), 'a')
    assert image.dtype == np.uint8 and (image == 0x80).all()


def test_limit_of_pixels_can_be_changed(monkeypatch):
    content = png(5, 4, 3)
    monkeypatch.setenv('MMCION_MAX_PIXELS', '19')
    with pytest.raises(UnreadableImageError, match=r'4 x 5 .*MAX_PIXELS.* 19'):
        decode_image(content, 'a')
    monkeypatch.setenv('MMCION_MAX_PIXELS', '20')
    assert decode_image(content, 'a').shape == (5, 4, 3)
    monkeypatch.setenv('MMCION_MAX_PIXELS', 'many')
    with pytest.raises(UserError, match='many'):
        decode_image(content, 'a')


def test_a_raised_limit_leaves_opencvs_own(monkeypatch):
    monkeypatch.setenv('MMCION_MAX_PIXELS', str(10**12))
    with pytest.raises(UnreadableImageError, match=r'huge'):
        decode_image(huge_png(), 'huge')
