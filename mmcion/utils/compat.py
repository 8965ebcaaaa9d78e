"""The only file that knows about versions of other packages."""

import argparse
import importlib.metadata
import importlib.util
import warnings
from pathlib import Path
from typing import Any

_DISTRIBUTIONS = ('onedl-mmengine', 'mmengine', 'mmengine-lite')
_MINIMUM = (0, 10)


def quiet_known_warnings() -> None:
    """Silence warnings of dependencies that no user can act on."""
    # mmcv without compiled operators, which mmcion never uses
    warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeform')


def check_engine() -> None:
    """Check that mmengine is there, once, and in range.

    Raises:
        ImportError: if it is missing, too old, or if two distributions of it
            have overwritten each other; says what to install.
    """
    remedy = 'run: pip install -r requirements/mminstall.txt'
    if importlib.util.find_spec('mmengine') is None:
        raise ImportError(f'mmcion needs mmengine; {remedy}')
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(found) > 1:
        raise ImportError(
            f'{" and ".join(found)} share the import name mmengine and have '
            f'overwritten each other. Uninstall all of them, then {remedy}'
        )
    for name, version in found.items():
        if tuple(int(part) for part in version.split('.')[:2]) < _MINIMUM:
            raise ImportError(f'{name} {version} is too old; {remedy}')


def load_checkpoint_safely(path: str | Path) -> Any:
    """Read a checkpoint to the CPU without running code from it.

    Beside tensors it may hold what mmengine and CION put into theirs: NumPy
    scalars and arrays, mmengine's history buffers, an argparse namespace.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or would run other code.
    """
    import numpy as np
    import torch
    from mmengine.logging import HistoryBuffer

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no checkpoint at {path}')
    core = getattr(np, '_core', None) or np.core
    dtypes = {type(np.dtype(code)) for code in '?bBhHiIlLqQefd'}
    allowed = [
        HistoryBuffer,
        argparse.Namespace,
        np.ndarray,
        np.dtype,
        core.multiarray._reconstruct,
        core.multiarray.scalar,
        getattr,  # how HistoryBuffer's statistics are pickled
        slice,
        *dtypes,
    ]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, map_location='cpu', weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # bad bytes raise nearly anything
        reason = f'{type(error).__name__}: {error}'.splitlines()[0]
        raise ValueError(
            f'{path} is damaged or is not a checkpoint of plain tensors; it '
            f'was not loaded. {reason}'
        ) from error
