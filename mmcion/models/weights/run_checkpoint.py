"""Choose the checkpoint that a run loads, before mmengine does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import nn

from mmcion.utils.checks import UserError, join_names
from mmcion.utils.finite import not_finite
from mmcion.utils.read_checkpoint import read_checkpoint

from .match import match
from .origin import find_origin

# what a run needs to go on
_RESUMABLE = {'message_hub', 'meta', 'optimizer', 'state_dict'}


def choose_run_checkpoint(cfg: Any) -> list[str]:
    """Choose a checkpoint that is safe and undamaged.

    mmengine falls back to unpickling whatever a file holds; a file that
    passes here runs no code. Resuming without ``load_from`` sets it to the
    last undamaged checkpoint of the work folder.

    Args:
        cfg: Runner config with ``load_from``, ``resume`` and ``work_dir``.

    Returns:
        Warnings about unsound checkpoints that an earlier one replaces.

    Raises:
        UserError: If there is no checkpoint to go on from, but damaged ones.
    """
    load_from, resume = cfg.get('load_from'), cfg.get('resume')
    if load_from is not None:
        _require_sound(load_from, resume)
    if load_from is not None or not resume:
        return []
    refused = []
    for path in _saved_checkpoints(Path(cfg['work_dir'])):
        try:
            _require_sound(path, resume)
        except (FileNotFoundError, UserError) as error:
            refused.append(str(error))
        else:
            cfg['load_from'] = str(path)
            return [f'{reason} Going on from {path}.' for reason in refused]
    if refused:
        raise UserError(f'no checkpoint to resume from: {" ".join(refused)}')
    return []


def _saved_checkpoints(work_dir: Path) -> list[Path]:
    """Return the noted last checkpoint, then all others, newest first."""
    note = work_dir / 'last_checkpoint'
    text = note.read_text(errors='replace').strip() if note.is_file() else ''
    noted = [Path(text)] if text else []
    known = {path.resolve() for path in noted}
    others = [
        path
        for folder in {work_dir, *(path.parent for path in noted)}
        for path in folder.glob('*.pth')
        # the best ones are saved without optimizer
        if re.search(r'\d+$', path.stem) and not path.stem.startswith('best_')
        if path.resolve() not in known
    ]
    others.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
    return noted + others[::-1]


def _require_sound(path: str | Path, resume: bool) -> None:
    """Raise if a checkpoint cannot be read, or not be resumed from."""
    checkpoint = read_checkpoint(path)
    found = set(checkpoint) if isinstance(checkpoint, dict) else set()
    if resume and (missing := sorted(_RESUMABLE - found)):
        text = f'{path} has no {", ".join(missing)} to resume from'
        raise UserError(f'{text}; start anew with load_from={path}.')
    state = {
        part: checkpoint.get(part) for part in ('state_dict', 'optimizer')
    }
    if resume and (names := not_finite(state)):
        text = f'{path} has NaN or infinity in {join_names(names, 3)}'
        raise UserError(f'{text}; resume from an earlier checkpoint.')


def require_whole_model(model: nn.Module, checkpoint: Any) -> None:
    """Raise ``UserError`` unless a checkpoint fits a model, head included.

    mmengine loads what fits and leaves the rest at random. Statistics and
    architecture are compared, too.
    """
    if own := getattr(model, 'origin', None):
        find_origin(checkpoint).require(own)
    tensors = checkpoint.get('state_dict', checkpoint)
    tensors = {k.removeprefix('module.'): v for k, v in tensors.items()}
    report = match(
        model,
        tensors,
        name=f'the model {type(model).__name__}',
        hint='load_from and resume take checkpoints of the same model; to '
        'start from a backbone set model.backbone_checkpoint=FILE.',
    )
    if not report.fits:
        raise UserError(f'the checkpoint has {report}')
