import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from mmcion.utils.image_size import image_size

FORMS = [
    ('PNG', {}),
    ('JPEG', {}),
    ('JPEG', {'progressive': True}),
    ('JPEG', {'comment': b'\xff\xc0\x00\x08 looks like a frame'}),
    ('JPEG', {'exif': Image.Exif(), 'icc_profile': b'x' * 70_000}),
    ('BMP', {}),
    ('WEBP', {}),
    ('WEBP', {'lossless': True}),
    ('TIFF', {}),
    ('TIFF', {'compression': 'tiff_lzw'}),
    ('TIFF', {'big_tiff': True}),
    ('PPM', {}),
    ('GIF', {}),
]


def encoded(name, size=(37, 91), mode='RGB', **options):
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, name, **options)
    return stream.getvalue()


@pytest.mark.parametrize(('name', 'options'), FORMS)
def test_size_is_that_of_the_image(name, options):
    assert image_size(encoded(name, **options)) == (37, 91)


@pytest.mark.parametrize('mode', ['RGBA', 'L'])
def test_webp_with_alpha_or_grey(mode):
    assert image_size(encoded('WEBP', mode=mode)) == (37, 91)


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.tif', '.webp'])
def test_files_of_opencv(suffix):
    image = np.zeros((91, 37, 3), np.uint8)
    assert image_size(cv2.imencode(suffix, image)[1].tobytes()) == (37, 91)


def test_big_endian_tiff():
    content = struct.pack(
        '>2sHIHHHIHHHHIHH',
        *(b'MM', 42, 8, 2),
        *(256, 3, 1, 37, 0),
        *(257, 3, 1, 91, 0),
    )
    assert image_size(content) == (37, 91)


@pytest.mark.parametrize('name', ['PNG', 'JPEG', 'BMP', 'WEBP', 'TIFF', 'GIF'])
def test_every_truncated_header_is_an_error_or_the_size(name):
    content = encoded(name, (2, 3))
    for stop in range(len(content)):
        try:
            assert image_size(content[:stop]) == (2, 3)
        except ValueError:
            continue


@pytest.mark.parametrize('content', [b'', b'no image', b'\xff\xd8\xff' * 9])
def test_what_is_no_image(content):
    with pytest.raises(ValueError, match='.'):
        image_size(content)
