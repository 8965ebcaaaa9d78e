"""Read and decode image files: the same pixels and errors everywhere.

Training, extraction, evaluation, packing and figures all read images here,
so that a figure shows what the model saw, and whatever is wrong with an image
is one exception that can be counted.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import cv2
import numpy as np

from .checks import UserError
from .image_size import image_size
from .paths import printable

MAX_PIXELS = 1 << 26  # 8192 x 8192, which take 200 MB when decoded
MAX_PIXELS_VARIABLE = 'MMCION_MAX_PIXELS'


class UnreadableImageError(UserError):
    """An image is damaged, cannot be read, or is not an image."""


class MissingImageError(UnreadableImageError, FileNotFoundError):
    """There is no such image."""


def read_image_file(path: str | Path) -> bytes:
    """Return the content of a regular file.

    Raises:
        MissingImageError: If it does not exist.
        UnreadableImageError: If it is a folder, a pipe or a device, or cannot
            be read for whatever reason; names the file.
    """
    try:
        # a pipe would wait for its writer for ever
        with open(path, 'rb', buffering=0, opener=_open_at_once) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.readall()
        reason = 'is not a file'
    except FileNotFoundError as error:
        raise MissingImageError(f'{printable(path)} does not exist') from error
    except IsADirectoryError:
        reason = 'is a folder'
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        problem = getattr(error, 'strerror', None) or error
        reason = f'cannot be read: {problem}'
    raise UnreadableImageError(f'{printable(path)} {reason}')


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def decode_image(content: bytes, name: str | Path) -> np.ndarray:
    """Decode the content of an image file as the model sees it.

    EXIF rotation is applied; grey images, RGBA and 16 bits become RGB of 8
    bits.

    Args:
        content: Content of a file.
        name: Name of the image, for errors.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        UnreadableImageError: If it is not an image, is damaged, or has more
            than ``MAX_PIXELS`` pixels, or than the environment variable
            ``MMCION_MAX_PIXELS``.
    """
    image, problem = None, f'{len(content)} bytes'
    limit = os.environ.get(MAX_PIXELS_VARIABLE, str(MAX_PIXELS))
    if not limit.isdecimal():
        raise UserError(f'{MAX_PIXELS_VARIABLE} is {limit!r}, no number.')
    try:
        # from the header, before OpenCV allocates memory for the pixels
        width, height = image_size(content)
        if width * height > int(limit):
            problem = f'{width} x {height} pixels; '
            problem += f'{MAX_PIXELS_VARIABLE} allows {int(limit):,}'
        else:
            data = np.frombuffer(content, np.uint8)
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except (ValueError, cv2.error, MemoryError) as error:
        problem += f', {str(error).strip().splitlines()[-1]}'
    if image is None:
        raise UnreadableImageError(
            f'{printable(name)} is not a readable image ({problem}).'
        )
    # (H, W, 3) BGR -> RGB
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
