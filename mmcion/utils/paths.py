"""Names that come out of data: where they may lead."""

import os
from pathlib import Path, PurePosixPath

from .checks import UserError

# of configs, and of files with weights
CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')
WEIGHT_SUFFIXES = ('.pth', '.pt', '.bin', '.tar', '.safetensors')


def path_below(root: str | Path, name: str) -> Path:
    """Join a folder and a relative path that a file of data names.

    Links below the folder are the user's own and may lead anywhere.

    Raises:
        UserError: If it is empty or absolute, has a part ``..`` or a
            character that no file name can have.
    """
    path = PurePosixPath(name)
    # a NUL, or a half of a surrogate pair, which JSON can hold
    odd = '\0' in name or any('\ud800' <= char < '\udc80' for char in name)
    if not path.parts or path.is_absolute() or '..' in path.parts or odd:
        raise UserError(f'{name!r} is no relative path below {root}.')
    return Path(root) / path


def path_inside(root: str | Path, name: str) -> Path:
    """Join a folder and the name of a file in it, as ``path_below`` does."""
    path = path_below(root, name)
    if path.parent != Path(root):
        raise UserError(f'{name!r} is no file name: it has a slash.')
    return path


def printable(path: str | bytes | Path) -> str:
    r"""Return a path for messages, in one line that can always be printed.

    Bytes that are not UTF-8 become ``\xe9``, control characters ``\n``.
    """
    text = os.fsencode(path).decode('utf-8', 'backslashreplace')
    return ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def is_utf8(path: str | Path) -> bool:
    """Return whether a path is UTF-8, as file names on Linux need not be."""
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        return False
    return True


def utf8_path(path: str | Path) -> str:
    """Return a path for a library that crashes on other encodings (OpenCV)."""
    if not is_utf8(path):
        raise UserError(f'{printable(path)} is not UTF-8; rename it.')
    return str(path)


def safe_name(name: str) -> str:
    """Return the name of something as one that a file can have.

    Slashes, control characters, ``%`` and a dot in front become ``%2F`` and
    so on, so that different names stay different.
    """
    return ''.join(
        char
        if char.isprintable() and char not in '/%' and (n or char != '.')
        else ''.join(f'%{b:02X}' for b in char.encode(errors='surrogatepass'))
        for n, char in enumerate(name)
    )
