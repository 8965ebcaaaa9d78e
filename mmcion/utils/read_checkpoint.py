"""Read checkpoints without running code, and say what a bad file is."""

from __future__ import annotations

import argparse
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, checkpoint
from torch.hub import load_state_dict_from_url

from . import safe_config  # noqa: F401, for what reads both, as mmdet
from .checks import UserError, check_file

# what a history buffer has registered as its statistics
_HISTORY_STATISTICS = {'min', 'max', 'mean', 'current', 'statistics'}
# files that are often saved in place of weights, by their first bytes
_MISTAKEN = {
    rb'\Z': 'is empty. Download or copy it again',
    rb'\s*<(?i:!doctype|html|head|\?xml)': 'is a web page and not weights, '
    'such as a log-in or an error page. Save the file itself by a browser',
    rb'version https://git-lfs': 'is a Git LFS pointer. Get the file itself '
    'with `git lfs pull`',
    # version of the format, name of the exporter
    rb'\x08[\x03-\x20]\x12': 'is an ONNX file. Give the checkpoint or model '
    'file that it was exported from',
}
# first bytes of what torch.save writes, now and formerly
_PICKLE_OR_ZIP = (b'PK', b'\x80')
# how torch names a class or function that a file wants to call
_WANTED_CALL = re.compile(r'(?:GLOBAL|class) ([\w.]+)')


def _history_statistic(owner: Any, name: str) -> Any:
    """Replace ``getattr``, by which a checkpoint could reach anything."""
    if owner is not HistoryBuffer or name not in _HISTORY_STATISTICS:
        raise ValueError(f'it wants the attribute {name!r} of {owner!r}')
    return getattr(owner, name)


# what an unpickler may call beside torch's own list
_ALLOWED = [
    HistoryBuffer,
    argparse.Namespace,
    slice,
    np.ndarray,
    np.dtype,
    *{type(np.dtype(code)) for code in '?bBhHiIlLqQefd'},
    # numpy moves these between versions, so they are taken from a pickle
    np.ones(1).__reduce__()[0],
    np.float32(1).__reduce__()[0],
    # how the statistics of a history buffer are pickled
    (_history_statistic, 'builtins.getattr'),
]


def read_checkpoint(path: str | Path, map_location: Any = 'cpu') -> Any:
    """Read a checkpoint without running code from it.

    Beside tensors and plain Python types a file may hold what mmengine and
    CION put into theirs: NumPy scalars and arrays, mmengine's history buffers
    and an argparse namespace. ``.safetensors`` files are read as such.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is another kind of file, damaged, or wants to run
            code.
    """
    path = check_file(Path(path).expanduser(), 'checkpoint')
    try:
        if path.suffix == '.safetensors':
            from safetensors.torch import load_file

            return load_file(path)
        if zipfile.is_zipfile(path):
            # torch does not compare the check sums, so a flipped bit passes
            with zipfile.ZipFile(path) as archive:
                if damaged := archive.testzip():
                    raise ValueError(f'wrong check sum of {damaged}')
        with torch.serialization.safe_globals(_ALLOWED):
            return torch.load(
                path, map_location=map_location, weights_only=True
            )
    except Exception as error:  # bad bytes raise nearly anything
        raise UserError(f'{path} {_reason(path, error)}.') from error


def _reason(path: Path, error: Exception) -> str:
    """Return why a file could not be read and what to do."""
    # the first bytes of a file say more than torch's error
    with open(path, 'rb') as file:
        start = file.read(512)
    for pattern, reason in _MISTAKEN.items():
        if re.match(pattern, start):
            return reason
    if wanted := _WANTED_CALL.search(str(error)):
        unsafe = f'wants to run {wanted[1]}, which weights never need, and'
        return f'{unsafe} was not loaded. Do not load it by other means'
    if path.suffix != '.safetensors' and not start.startswith(_PICKLE_OR_ZIP):
        return 'is not a checkpoint. Give a file with weights, such as a .pth'
    # a zip file has its table at the end, a legacy pickle just stops
    truncated = isinstance(error, EOFError) or 'unexpected EOF' in str(error)
    if start.startswith(b'PK'):
        truncated = not zipfile.is_zipfile(path)
    if truncated:
        return f'is truncated ({path.stat().st_size} bytes). Get it again'
    # torch goes on to recommend loading the file unsafely
    detail = str(error).partition('. In PyTorch')[0].partition('\n')[0]
    found = f'{type(error).__name__}: {detail}'
    reason = 'is damaged or not a checkpoint of plain tensors; was not loaded'
    return f'{reason} ({found})'


def _download(url: str, map_location: Any = None, **options: Any) -> Any:
    """Replace ``load_url``, which would run the code of a file."""
    with torch.serialization.safe_globals(_ALLOWED):
        return load_state_dict_from_url(
            url, map_location=map_location, weights_only=True
        )


# Whatever a dependency loads by mmengine (runner, init_cfg, mmdet, mmpretrain)
# goes through here: mmengine falls back to running the code of a file.
CheckpointLoader.register_scheme('', loader=read_checkpoint, force=True)
checkpoint._safe_torch_load = read_checkpoint
checkpoint.load_url = _download
