"""Read the size of an image from the header of its file."""

from __future__ import annotations

import io
from struct import error as StructError
from struct import unpack_from

# JPEG markers without a length: TEM and RST0 to RST7
_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}
# frame headers: SOF0 to SOF15 but for the tables DHT, JPG and DAC
_FRAME_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def image_size(content: bytes) -> tuple[int, int]:
    """Return width and height as the header states them.

    Formats that data sets use are parsed here, which takes microseconds;
    Pillow knows the others.

    Args:
        content: Content of an image file.

    Raises:
        ValueError: If the header is damaged, or of no image.
    """
    try:
        if content.startswith(b'\x89PNG\r\n\x1a\n'):
            return unpack_from('>II', content, 16)
        if content.startswith(b'\xff\xd8\xff'):
            return _jpeg_size(content)
        if content.startswith(b'BM'):
            old = unpack_from('<I', content, 14) == (12,)
            width, height = unpack_from('<HH' if old else '<ii', content, 18)
            return abs(width), abs(height)  # negative: rows from the top
        if content.startswith(b'RIFF') and content[8:12] == b'WEBP':
            return _webp_size(content)
        if content[:4] in (b'II*\0', b'MM\0*'):
            return _tiff_size(content)
        return _pillow_size(content)
    except (StructError, KeyError) as error:
        raise ValueError(f'damaged header ({error})') from error


def _jpeg_size(content: bytes) -> tuple[int, int]:
    # segments: FF, marker, length with itself, content; as libjpeg does,
    # skip bytes between segments and repeated FF
    at = 2
    while True:
        at = content.index(b'\xff', at)
        while content[at : at + 1] == b'\xff':
            at += 1
        marker, length = unpack_from('>BH', content, at)
        if marker in _FRAME_MARKERS:
            height, width = unpack_from('>HH', content, at + 4)
            return width, height
        bare = marker == 0 or marker in _BARE_MARKERS
        at += 1 if bare else 1 + length


def _webp_size(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b'VP8 ':
        width, height = unpack_from('<HH', content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b'VP8L':
        (bits,) = unpack_from('<I', content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    # VP8X: 24 bits each, minus one
    low_w, high_w, low_h, high_h = unpack_from('<HBHB', content, 24)
    return (high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1


def _tiff_size(content: bytes) -> tuple[int, int]:
    order = '<' if content.startswith(b'II') else '>'
    (start,) = unpack_from(f'{order}I', content, 4)
    (count,) = unpack_from(f'{order}H', content, start)
    sides: dict[int, int] = {}
    for row in range(count):
        # tag, type (3: 16 bits), number of values, value
        place = start + 2 + 12 * row
        tag, kind = unpack_from(f'{order}HH', content, place)
        if tag in (256, 257):  # width, height
            value = unpack_from(
                f'{order}{"H" if kind == 3 else "I"}', content, place + 8
            )
            sides.setdefault(tag, value[0])
    return sides[256], sides[257]


def _pillow_size(content: bytes) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    # Pillow raises many kinds of errors of damaged files
    except Exception as error:
        raise ValueError('no known image format') from error
