"""The only file that knows about versions of other packages."""

import argparse
import importlib.metadata
import importlib.util
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

_DISTRIBUTIONS = ('onedl-mmengine', 'mmengine', 'mmengine-lite')
_MINIMUM = (0, 10)
_HISTORY_STATISTICS = {'min', 'max', 'mean', 'current', 'statistics'}


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


def _history_statistic(owner: Any, name: str) -> Any:
    """Stand in for ``getattr``, by which a checkpoint could reach anything."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in _HISTORY_STATISTICS:
        raise ValueError(f'it asks for the attribute {name!r} of {owner!r}')
    return getattr(owner, name)


def check_run_checkpoint(cfg: Any) -> list[str]:
    """Look at the checkpoint that a runner will load, before it does.

    mmengine falls back to unpickling whatever a file holds; a file that
    passes here holds nothing that could run code. To resume without
    ``load_from`` sets it to the last sound checkpoint of the work folder.

    Args:
        cfg: a runner config with ``load_from``, ``resume`` and ``work_dir``.

    Returns:
        Warnings about damaged checkpoints that an earlier one stands in for.

    Raises:
        FileNotFoundError: if ``load_from`` does not exist.
        ValueError: if the checkpoint is damaged or would run code, or cannot
            be resumed from; without ``load_from``, if all are so.
    """
    load_from, resume = cfg.get('load_from'), cfg.get('resume')
    if load_from is not None:
        _check_checkpoint(load_from, resume)
    if load_from is not None or not resume:
        return []
    refused = []
    for path in _find_checkpoints(Path(cfg['work_dir'])):
        try:
            _check_checkpoint(path, resume)
        except (FileNotFoundError, ValueError) as error:
            refused.append(str(error))
            continue
        cfg['load_from'] = str(path)
        return [f'{reason} Going on from {path}.' for reason in refused]
    if refused:
        raise ValueError(
            f'no checkpoint of {cfg["work_dir"]} is sound: {" ".join(refused)}'
        )
    return []


def _find_checkpoints(work_dir: Path) -> list[Path]:
    """Return the last checkpoint as noted, then all others, newest first."""
    note = work_dir / 'last_checkpoint'
    text = note.read_text(errors='replace').strip() if note.is_file() else ''
    noted = [Path(text)] if text else []
    folders = {work_dir, *(path.parent for path in noted)}
    others = [
        path
        for folder in folders
        for path in folder.glob('*.pth')
        # the best ones have no optimizer
        if re.search(r'\d+$', path.stem) and not path.stem.startswith('best_')
    ]
    known = {path.resolve() for path in noted}
    return noted + sorted(
        (path for path in others if path.resolve() not in known),
        key=lambda path: (path.stat().st_mtime_ns, path.name),
        reverse=True,
    )


def _check_checkpoint(path: str | Path, resume: bool) -> None:
    checkpoint = load_checkpoint_safely(path)
    if not resume:
        return
    needed = {'message_hub', 'meta', 'optimizer', 'state_dict'}
    found = set(checkpoint) if isinstance(checkpoint, dict) else set()
    if needed - found:
        raise ValueError(
            f'{path} has no {", ".join(sorted(needed - found))}; a run can '
            f'start from it (load_from), but not resume.'
        )


def _check_sums(path: Path) -> None:
    """Compare the check sums of a checkpoint, which torch does not.

    Raises:
        ValueError: if one is wrong.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f'wrong check sum of {damaged}')


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
        # how the statistics of a history buffer are pickled
        (_history_statistic, 'builtins.getattr'),
        slice,
        *dtypes,
    ]
    try:
        _check_sums(path)
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, map_location='cpu', weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # bad bytes raise nearly anything
        # torch goes on to recommend loading it unsafely
        reason = str(error).split('. In PyTorch')[0].splitlines()[:1]
        wanted = re.findall(r'Unsupported global: GLOBAL (\S+)', str(error))
        if wanted:
            reason = [f'it asks for {wanted[0]}']
        detail = ''.join(reason)
        raise ValueError(
            f'{path} is damaged or is not a checkpoint of plain tensors; it '
            f'was not loaded ({type(error).__name__}: {detail}).'
        ) from error
